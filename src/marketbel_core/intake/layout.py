"""Where a sheet's header is and which column is what.

The words above propose, the cells below decide: a price column has prices under it, a name column
has words. A sheet with no such pair of columns is no price list.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from marketbel_core.intake.cells import cell_text
from marketbel_core.intake.columns import (
    body_of,
    columns_below,
    columns_of,
    keys_of,
    priced_rows,
)
from marketbel_core.intake.found_layout import FoundLayout, Layout
from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.header_lines import (
    HEADER_LINES_MAX,
    SCANNED_ROWS,
    HeaderLines,
    header_meaning,
    is_value,
    likely_header,
)
from marketbel_core.intake.headerless import layout_by_content
from marketbel_core.intake.headers import HeaderMeaning, Role, price_kinds
from marketbel_core.intake.name_column import name_column, renamed
from marketbel_core.intake.price_columns import (
    price_columns,
    prices_by_content,
    tier_meanings,
)
from marketbel_core.intake.sample import SheetSample, sample_of
from marketbel_core.intake.text import is_number_like

__all__ = [
    "FoundLayout",
    "Layout",
    "Role",
    "find_layout",
    "header_meaning",
    "layout_by_content",
    "layout_by_header",
    "layout_of",
]

_HEADER_CELLS_MIN: Final = 2
"""One filled cell is a title."""

_GIVEN: Final = 5
"""What somebody said about a header is stronger than the very word."""

_PLAIN: Final = 3
"""The strength of a header that has the word itself among others."""

_LINE_BONUS: Final = 0.2
_WEIGHTS: Final = {Role.NAME: 3.0, Role.PRICE: 3.0, Role.SKU: 2.0}
_SECURE_SCORE: Final = 9.0
"""A score that counts as full confidence: a name, a price, an article number and one more."""


def find_layout(grid: Grid) -> Layout | None:
    """Return the layout of a sheet, or `None` when the sheet is no price list."""
    return layout_of(sample_of(grid))


def layout_of(sheet: SheetSample, *, data_start_row: int | None = None) -> Layout | None:
    """Return the layout of a sheet, or `None` when the sheet is no price list.

    Args:
        sheet: A sample of the sheet.
        data_start_row: The first row that may be an item, from 1, where that was said; the header
            is above it.
    """
    best: FoundLayout | None = None
    named: HeaderLines | None = None
    rows = len(sheet.rows) if data_start_row is None else data_start_row - 1
    for first in range(1, min(SCANNED_ROWS, len(sheet.rows), rows) + 1):
        if best is not None and first > best.first_priced:
            break  # below the first item a header is the same one, repeated
        if _filled(sheet.rows[first - 1]) < _HEADER_CELLS_MIN:
            continue
        for last in range(first, min(first + HEADER_LINES_MAX - 1, rows) + 1):
            header = likely_header(sheet, first, last)
            if header is None:
                break
            if named is None and _names_prices(header):
                named = header
            found = layout_by_header(sheet, header, data_start_row=data_start_row)
            if found is not None and (best is None or found.score > best.score):
                best = found
    if best is not None:
        return best.layout
    layout = layout_by_content(sheet, data_start_row=data_start_row)
    if layout is not None and named is not None and _is_called_otherwise(layout, named):
        return None  # the column that is called the price has none: another one is no substitute
    return layout


def _names_prices(header: HeaderLines) -> bool:
    """Tell whether a line names a column of prices and one of goods, in so many words."""
    roles = {
        meaning.role
        for meaning in map(header_meaning, header.texts.values())
        if meaning is not None and meaning.strength >= _PLAIN
    }
    return Role.PRICE in roles and not roles.isdisjoint({Role.NAME, Role.SKU})


def _is_called_otherwise(layout: Layout, header: HeaderLines) -> bool:
    """Tell whether a header gives the column of prices a name, and not that of a price."""
    text = header.texts.get(layout.columns[Role.PRICE])
    meaning = header_meaning(text) if text else None
    return text is not None and (meaning is None or meaning.role is not Role.PRICE)


def _filled(row: Sequence[Cell]) -> int:
    return sum(1 for cell in row if cell_text(cell))


def layout_by_header(
    sheet: SheetSample,
    header: HeaderLines,
    *,
    data_start_row: int | None = None,
    given: Mapping[Role, int] = MappingProxyType({}),
) -> FoundLayout | None:
    """Return the layout that a header gives, or `None` if names or prices are not to be found.

    Args:
        sheet: A sample of the sheet.
        header: What stands above its columns.
        data_start_row: The first row that may be an item, from 1; `None`: the one below.
        given: The columns of which somebody said what they are for, by index.
    """
    headers = header.texts
    meanings = _meanings(headers, given)
    if not given and not _says_enough(headers, meanings):
        return None
    start = header.last if data_start_row is None else data_start_row - 1
    body = body_of(sheet, start)
    below = columns_below(sheet, start)
    meanings |= tier_meanings(meanings, headers, below)
    reasons = [f"header in row {header.last}"]
    prices = price_columns(meanings, headers, below, main=given.get(Role.PRICE))
    if not prices:
        prices = prices_by_content(meanings, headers, below)
        reasons.append("no header names the prices: they are found by their figures")
    if not prices or (not given and is_value(headers.get(prices[0], ""))):
        return None  # a product, for all the words of headers in it
    columns = _strongest(meanings) | {Role.PRICE: prices[0]} | dict(given)
    if Role.NAME not in given:
        priced = columns_of(priced_rows(body, prices[0])) or dict(below)
        name = name_column(columns.get(Role.NAME), meanings, headers, priced)
        if name is None or (len(meanings) < _HEADER_CELLS_MIN and name not in headers):
            return None
        if name != columns.get(Role.NAME):
            reasons.append(f"names stand in column {name + 1}, whatever the header says")
            columns = renamed(columns, name, priced)
    score = _score(columns, prices, meanings)
    layout = Layout(
        header_row=header.last,
        data_start_row=start + 1,
        columns=columns,
        price_columns=price_kinds(prices, meanings),
        characteristic_columns=keys_of(below, headers, {*columns.values(), *prices}),
        headers=headers,
        header_words=header.words,
        confidence=round(min(1.0, score / _SECURE_SCORE), 2),
        reasons=tuple(reasons),
    )
    rows = below[prices[0]].price_rows if prices[0] in below else ()
    if len(meanings) < _HEADER_CELLS_MIN:
        rows = ()  # a header that says more may stand below what this one is above
    return FoundLayout(
        score + _LINE_BONUS * (header.last - header.first),
        start + min(rows, default=len(body)),
        layout,
    )


def _says_enough(headers: Mapping[int, str], meanings: Mapping[int, HeaderMeaning]) -> bool:
    """Tell whether two columns have a known header, or one a price's beside unknown words."""
    if len(meanings) >= _HEADER_CELLS_MIN:
        return True
    return (
        len(headers) >= _HEADER_CELLS_MIN
        and any(
            meaning.role is Role.PRICE and meaning.strength >= _PLAIN
            for meaning in meanings.values()
        )
        and not any(":" in text or is_number_like(text) for text in headers.values())
    )


def _score(
    columns: Mapping[Role, int], prices: Sequence[int], meanings: Mapping[int, HeaderMeaning]
) -> float:
    score = sum(_WEIGHTS.get(role, 1.0) for role in columns) + 0.5 * (len(prices) - 1)
    if prices[0] not in meanings:
        score -= _WEIGHTS[Role.PRICE]
    if Role.NAME not in {meaning.role for meaning in meanings.values()}:
        score -= 2.0
    return score


def _meanings(headers: Mapping[int, str], given: Mapping[Role, int]) -> dict[int, HeaderMeaning]:
    found = {
        column: meaning
        for column, text in headers.items()
        if (meaning := header_meaning(text)) is not None
    }
    for role, column in given.items():
        kind = found[column].price_kind if role is Role.PRICE and column in found else ""
        found[column] = HeaderMeaning(role, _GIVEN, kind)
    return found


def _strongest(meanings: Mapping[int, HeaderMeaning]) -> dict[Role, int]:
    """Return a column for each role but the price: the strongest header, else the leftmost."""
    chosen: dict[Role, int] = {}
    for column, meaning in sorted(meanings.items()):
        if meaning.role is Role.PRICE:
            continue
        former = chosen.get(meaning.role)
        if former is None or meaning.strength > meanings[former].strength:
            chosen[meaning.role] = column
    return chosen
