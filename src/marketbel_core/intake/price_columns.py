"""Which columns have prices, and which of them is the main one: the leftmost real one."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from marketbel_core.intake.columns import Column
from marketbel_core.intake.content_columns import money_columns
from marketbel_core.intake.header_lines import header_meaning
from marketbel_core.intake.headers import HeaderMeaning, Role, is_decoy
from marketbel_core.intake.money_words import UNKNOWN_CURRENCY, currency_in_header, is_scaled

__all__ = ["price_columns", "prices_by_content", "tier_meanings"]

_RARELY: Final = 0.15
_MOSTLY: Final = 0.5
_PLAIN: Final = 3
"""The strength of a header that has the word itself among others."""

_CHEAPER_MIN: Final = 0.2
"""A price for many pieces is no less than a fifth of the one for few."""

_TIER: Final = re.compile(
    r"(?:[0-9][0-9 ]*\s?(?:[-–—]\s?[0-9][0-9 ]*|\+)"
    r"|(?:от|ад|від|до|from|over|up to|свыше|более|[<>≥≤])\s?[0-9][0-9 ]*)\s?(?:[^\W\d]{1,7}\.?)?"
)


def tier_meanings(
    meanings: Mapping[int, HeaderMeaning],
    headers: Mapping[int, str],
    below: Mapping[int, Column],
) -> dict[int, HeaderMeaning]:
    """Return the columns of prices whose headers say no more than for how many pieces: "10-49".

    Sizes have such headers, too: prices fall from one tier to the next, and where another column
    is called a price they have cents or a currency.
    """
    tiers = [
        column
        for column, text in sorted(headers.items())
        if column in below and column not in meanings and _TIER.fullmatch(text.casefold())
    ]
    most = max((column.filled for column in below.values()), default=0)
    is_called = any(meaning.role is Role.PRICE for meaning in meanings.values())
    figures = [below[column] for column in tiers]
    are_prices = len(tiers) > 1 and all(
        column.sure_prices > _MOSTLY * most and (column.marked_prices or not is_called)
        for column in figures
    )
    falls = all(
        upper.median >= lower.median >= _CHEAPER_MIN * upper.median
        for upper, lower in pairwise(figures)
    )
    if not (are_prices and falls):
        return {}
    return {column: HeaderMeaning(Role.PRICE, 2) for column in tiers}


def price_columns(
    meanings: Mapping[int, HeaderMeaning],
    headers: Mapping[int, str],
    below: Mapping[int, Column],
    *,
    main: int | None = None,
) -> list[int]:
    """Return the columns of prices, the main one first.

    Args:
        meanings: What the headers mean.
        headers: What stands above each column.
        below: The columns' figures.
        main: The main one, where somebody named it.
    """
    prices = sorted(
        _real_prices(meanings, below), key=lambda column: _is_doubtful(headers[column])
    )
    return prices if main is None else [main, *(column for column in prices if column != main)]


def prices_by_content(
    meanings: Mapping[int, HeaderMeaning],
    headers: Mapping[int, str],
    below: Mapping[int, Column],
) -> list[int]:
    """Return columns of money that no header claims, where a header names the goods.

    Where a blank column is called the price, no other one that has a name takes its place.
    """
    named = [column for column, found in meanings.items() if found.role in {Role.NAME, Role.SKU}]
    if not named:
        return []
    is_called = any(
        found.role is Role.PRICE and found.strength >= _PLAIN for found in meanings.values()
    )
    free = {
        column: figures
        for column, figures in below.items()
        if column not in meanings
        and not is_decoy(headers.get(column, ""))
        and not (is_called and column in headers)
    }
    money, marked = money_columns(free, right_of=max(named))
    return (marked or money)[:1]


def _real_prices(meanings: Mapping[int, HeaderMeaning], below: Mapping[int, Column]) -> list[int]:
    """Return the columns that are called prices and have some, from the left."""
    called = [column for column, meaning in meanings.items() if meaning.role is Role.PRICE]
    counts = {column: below[column].prices for column in sorted(called) if column in below}
    most = max(counts.values(), default=0)
    return [column for column, count in counts.items() if count and count > _RARELY * most]


def _is_doubtful(header: str) -> bool:
    """Tell whether another price had better be the main one: for other money, or of old."""
    meaning = header_meaning(header)
    return (
        is_scaled(header)
        or currency_in_header(header) == UNKNOWN_CURRENCY
        or (meaning is not None and meaning.price_kind == "old")
    )
