"""Values as people type them: prices never off by a factor, texts without invisible marks.

A lone separator before three digits ("12.500") means twelve and a half in one list and twelve
thousand five hundred in another. A single cell cannot tell, its column mostly can: so the decimal
mark is decided once for a column, and a price that stays ambiguous is refused, not guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from marketbel_core.catalog import AMOUNT_MAX
from marketbel_core.intake.cells import cell_text, clean_text
from marketbel_core.intake.dashed import DASHED, are_dashed, dashed_amount
from marketbel_core.intake.grid import Cell
from marketbel_core.intake.money_words import (
    CURRENCY_WORDS,
    UNKNOWN_CURRENCY,
    is_amount_scaled,
    named_currency,
)

__all__ = [
    "DecimalMark",
    "ParsedPrice",
    "PriceRefusal",
    "cell_text",
    "clean_text",
    "currency_refusal",
    "decimal_mark_of",
    "is_number_like",
    "parse_price",
]


class DecimalMark(StrEnum):
    """What stands before the cents in a column."""

    POINT = "."  # 1,234.56
    COMMA = ","  # 1 234,56
    DASH = "-"  # 12-50: roubles and kopecks
    UNKNOWN = "?"  # nothing in the column tells


@dataclass(frozen=True, slots=True)
class ParsedPrice:
    """A price that was understood.

    Attributes:
        amount: Major units, over 0 to 99,999,999.99, two decimals.
        currency: ISO 4217 code where the cell names one, `ROUBLES` for "руб." alone.
        exact: The amount before it was rounded to the cent.
    """

    amount: Decimal
    currency: str | None = None
    exact: Decimal = field(default=Decimal(0), compare=False)


@dataclass(frozen=True, slots=True)
class PriceRefusal:
    """Why a cell is no price.

    Attributes:
        code: `row.no_price`, `row.price_negative`, `row.price_unreadable` or
            `row.currency_unknown`.
        has_amount: Whether an amount stands there, in an unknown currency, in thousands, or in a
            form that may be read in more ways than one: a range, two prices.
    """

    code: str
    message: str
    has_amount: bool = False


_CENT: Final = Decimal("0.01")
_ZERO: Final = Decimal(0)
_PRICE_LENGTH_MAX: Final = 64
_GROUP_LENGTH: Final = 3

_TAX: Final = (
    r"(?:\s*[,(]?\s*(?:\+|с|без|вкл\w*\.?|incl?\.?|excl?\.?|plus)\s*(?:ндс|пдв|vat)"
    r"(?:\s*[0-9]{1,2}\s*%)?\)?)?"
)
_PRICE: Final = re.compile(
    rf"(?P<before>{CURRENCY_WORDS})?\.?\s*(?P<minus>[-−–])?\s*"
    r"(?P<number>[0-9](?:[0-9.,'’ ]*[0-9])?)[.,]?[-–—]?"
    rf"\s*(?P<after>{CURRENCY_WORDS})?\.?\s*(?P<unit>(?:/|за\s)\s*(?:1\s*)?[^\W\d]+\.?(?:\s?[^\W\d]+)?[23²³]?\.?)?"
    rf"(?:\s*each)?{_TAX}\s*\*{{0,3}}",
)
_CODED: Final = re.compile(
    r"[0-9][0-9.,'’ ]*(?P<after>[A-Z]{3})|(?P<before>[A-Z]{3}) ?[0-9][0-9.,]*"
)
_SIMPLE: Final = re.compile("[0-9]{1,8}(?:[.,][0-9]{1,2})?")
_COINS: Final = re.compile(
    r"(?:(?P<whole>[0-9][0-9 ]*)\s*(?P<money>руб\w*|р|грн)\.?\s*)?"
    r"(?P<coins>[0-9]{1,2})\s*(?:к|коп\w*)\.?"
)
_FROM: Final = re.compile(
    r"(?:[~≈]\s*|(?:от|from|ад|від|ок\.|около|прим\.|примерно)\s+(?=[^a-zа-яё]*[0-9]))",
    re.IGNORECASE,
)
_FIGURES: Final = re.compile(r"\W{0,3}[0-9][0-9\W]{0,40}(?:[^\W\d]{1,6}\W{0,3}){0,3}")
_NUMBER_LIKE: Final = re.compile(r"[-−–+]?[0-9][0-9.,'’ ]*%?")
_LONE: Final = re.compile(r"(?P<whole>[0-9 '’]+)(?P<mark>[.,])(?P<rest>[0-9]+)")
_INFINITE: Final = re.compile(r"[-+]?(?:nan|inf(?:inity)?)")


def is_number_like(text: str) -> bool:
    """Tell whether a cleaned text is figures and separators only."""
    return _NUMBER_LIKE.fullmatch(text) is not None


def decimal_mark_of(texts: Iterable[str]) -> DecimalMark:
    """Return the decimal mark of a column, given the texts of its price cells.

    One price that can be read one way only decides, the majority where a column mixes. Where all
    marked figures are ambiguous, plain figures below 1,000 beside them tell that the mark groups
    thousands: cents would not appear on large prices alone.
    """
    odd: list[str] = []
    votes = {DecimalMark.POINT: 0, DecimalMark.COMMA: 0}
    ambiguous: set[str] = set()
    plain_small = False
    for text in texts:
        number = _number_in(text)
        if number is None:
            odd.append(clean_text(text))
            continue
        mark = _own_mark(number)
        if mark is not None:
            votes[mark] += 1
        elif lone := _LONE.fullmatch(number):
            ambiguous.add(lone["mark"])
        else:
            plain_small |= len(number) <= _GROUP_LENGTH
    point, comma = votes[DecimalMark.POINT], votes[DecimalMark.COMMA]
    if len(odd) > point + comma and are_dashed(odd):
        return DecimalMark.DASH
    if point != comma:
        return DecimalMark.POINT if point > comma else DecimalMark.COMMA
    if point == 0 and plain_small and len(ambiguous) == 1:
        return DecimalMark.COMMA if ambiguous == {"."} else DecimalMark.POINT
    return DecimalMark.UNKNOWN


def _number_in(text: str) -> str | None:
    found = _matched(clean_text(text))
    return found["number"] if found else None


def _matched(text: str) -> re.Match[str] | None:
    return _PRICE.fullmatch(text.casefold()) if len(text) <= _PRICE_LENGTH_MAX else None


def _own_mark(number: str) -> DecimalMark | None:
    """Return the decimal mark that this figure alone gives away, if it does."""
    points, commas = number.count("."), number.count(",")
    if points and commas:
        return DecimalMark(max(".,", key=number.rfind))
    if points + commas > 1:  # 1.234.567: what repeats groups thousands
        return DecimalMark.COMMA if points else DecimalMark.POINT
    lone = _LONE.fullmatch(number)
    if lone is None:
        return None
    whole = lone["whole"]
    groups = len(lone["rest"]) == _GROUP_LENGTH and len(whole) <= _GROUP_LENGTH
    return None if groups and not whole.startswith("0") else DecimalMark(lone["mark"])


def parse_price(
    cell: Cell, *, mark: DecimalMark = DecimalMark.UNKNOWN
) -> ParsedPrice | PriceRefusal:
    """Return the price in a cell, or why there is none.

    Args:
        cell: As the reader gave it; a number is taken as it is.
        mark: The column's decimal mark, see `decimal_mark_of`.
    """
    if cell.__class__ is float:  # most prices: those of workbooks
        return _checked(Decimal(repr(cell)), currency=None)
    match cell:
        case None:
            return PriceRefusal("row.no_price", "the price is blank")
        case str():
            if _SIMPLE.fullmatch(cell):
                return _checked(Decimal(cell.replace(",", ".")), currency=None)
            return _parse_text(clean_text(cell), mark)
        case bool() | date() | time() | timedelta():
            return _unreadable(cell_text(cell), "is not a number")
        case int() | float() | Decimal():
            return _checked(Decimal(str(cell)), currency=None)


def _parse_text(text: str, mark: DecimalMark) -> ParsedPrice | PriceRefusal:
    if not any(character.isdigit() for character in text):
        return _no_figure_in(text)
    start = _FROM.match(text)
    said = text[start.end() :] if start is not None else text
    if (coins := _COINS.fullmatch(said.casefold())) is not None:
        whole, money, rest = coins.group("whole", "money", "coins")
        exact = Decimal(f"{(whole or '0').replace(' ', '')}.{rest:0>2}")
        return _checked(exact, currency=named_currency(money or "руб"))
    found = _matched(said)
    if found is None or (found["unit"] and is_amount_scaled(found["unit"])):
        return _no_price_in(text, mark)
    return _read(found, text, mark)


def _read(found: re.Match[str], text: str, mark: DecimalMark) -> ParsedPrice | PriceRefusal:
    """Return the price in a text that has the form of one."""
    amount = _amount(found["number"], mark)
    if isinstance(amount, PriceRefusal):
        return amount
    named = " ".join(filter(None, found.group("before", "after")))
    currency = named_currency(named) if named else None
    if currency == UNKNOWN_CURRENCY:
        return currency_refusal(text)
    return _checked(-amount if found["minus"] else amount, currency=currency)


def _no_figure_in(text: str) -> PriceRefusal:
    """Return why a text without figures is no price: words, mostly."""
    if _INFINITE.fullmatch(text.casefold()):
        return _unreadable(text, "is not a number")
    return PriceRefusal("row.no_price", f"no price is given: {text[:40]!r}")


def _no_price_in(text: str, mark: DecimalMark) -> ParsedPrice | PriceRefusal:
    """Return why a text with figures is no price, unless its column has dashes for points."""
    dashed = DASHED.fullmatch(text.casefold()) if mark is DecimalMark.DASH else None
    if dashed is not None:
        named = dashed["after"]
        return _checked(dashed_amount(dashed), currency=named_currency(named) if named else None)
    if len(text) <= _PRICE_LENGTH_MAX and is_amount_scaled(text):
        return _unreadable(text, "counts thousands, or many pieces at once", has_amount=True)
    if _CODED.fullmatch(text):
        return currency_refusal(text)
    has_figures = len(text) <= _PRICE_LENGTH_MAX and _FIGURES.fullmatch(text) is not None
    return _unreadable(text, "is not one price", has_amount=has_figures)


def currency_refusal(text: str) -> PriceRefusal:
    """Return the refusal of a price whose currency cannot be told from `text`."""
    return PriceRefusal(
        "row.currency_unknown",
        f"the currency cannot be told from {text[:40]!r}: name one that is in use by its ISO "
        "code, for example BYN",
        has_amount=True,
    )


def _amount(number: str, mark: DecimalMark) -> Decimal | PriceRefusal:
    decimal_mark = _own_mark(number) or mark
    if decimal_mark not in {DecimalMark.POINT, DecimalMark.COMMA}:
        if "." in number or "," in number:
            return _unreadable(
                number,
                "may have thousands or three decimals, and nothing in its column tells; write "
                "prices with two decimals",
                has_amount=True,
            )
        decimal_mark = DecimalMark.COMMA
    whole, _, cents = number.partition(decimal_mark)
    groups = re.split("[.,'’ ]", whole)
    grouped = (
        len(groups) == 1
        or (
            groups[0][:1] != "0"  # "0 242 100" is an article number
            and 1 <= len(groups[0]) <= _GROUP_LENGTH
            and all(len(group) == _GROUP_LENGTH for group in groups[1:])
        )
    )
    if not grouped or (cents and not cents.isascii()) or (cents and not cents.isdigit()):
        return _unreadable(number, "is not one number", has_amount=True)
    return Decimal("".join(groups) + "." + (cents or "0"))


def _checked(amount: Decimal, *, currency: str | None) -> ParsedPrice | PriceRefusal:
    if amount.is_finite() and _ZERO < amount <= AMOUNT_MAX:
        rounded = amount.quantize(_CENT, ROUND_HALF_UP)
        if rounded:
            return ParsedPrice(rounded, currency, amount)
    return _refused(amount)


def _refused(amount: Decimal) -> PriceRefusal:
    """Return why an amount is no price."""
    if not amount.is_finite():
        return _unreadable(str(amount), "is not a number")
    if amount < 0:
        return PriceRefusal("row.price_negative", f"the price is negative: {str(amount)[:40]}")
    if amount > AMOUNT_MAX:
        return _unreadable(str(amount), f"is more than {AMOUNT_MAX}")
    return PriceRefusal("row.no_price", "the price is zero")


def _unreadable(text: str, why: str, *, has_amount: bool = False) -> PriceRefusal:
    message = f"the price cannot be read: {text[:40]!r} {why}"
    return PriceRefusal("row.price_unreadable", message, has_amount)
