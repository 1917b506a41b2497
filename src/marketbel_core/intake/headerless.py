"""The layout of a sheet without a header that we know: words in a column, prices in another."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from marketbel_core.intake.cells import cell_text
from marketbel_core.intake.columns import (
    Column,
    body_of,
    columns_below,
    columns_of,
    keys_of,
    priced_rows,
)
from marketbel_core.intake.content_columns import money_columns
from marketbel_core.intake.found_layout import Layout
from marketbel_core.intake.header_lines import HeaderLines, header_meaning, joined_lines
from marketbel_core.intake.headers import Role, price_kinds
from marketbel_core.intake.name_column import wordy_column
from marketbel_core.intake.sample import SheetSample
from marketbel_core.intake.text import is_number_like

__all__ = ["layout_by_content"]

_HEADERLESS_CONFIDENCE: Final = 0.4
_HEADERLESS_ROWS_MIN: Final = 3
_HEADER_LENGTH_MAX: Final = 40
_MOSTLY: Final = 0.5
_ON_REQUEST: Final = re.compile(
    r"звон|догов|дамоў|запрос|запыт|уточн|нет|няма|нема|ожид|заказ|налич|call|request|ask|tbd|free|sold"
)
"""What stands in a product's cell instead of its price, and in no header."""


def layout_by_content(
    sheet: SheetSample, *, header: HeaderLines | None = None, data_start_row: int | None = None
) -> Layout | None:
    """Return the layout of a sheet without a header: words in a column, prices in another.

    Args:
        sheet: A sample of the sheet.
        header: The lines that were said to be one, for all that they mean nothing.
        data_start_row: The first row that may be an item, from 1, where that was said.
    """
    said = header.last + 1 if header is not None else 1
    start = (data_start_row or said) - 1
    is_said = header is not None or data_start_row is not None
    body = body_of(sheet, start)
    headers = header.texts if header is not None else {}
    columns = columns_below(sheet, start)
    money, marked = money_columns(columns)
    price = next(iter(marked or money), None)
    if price is None or columns[price].sure_prices < _HEADERLESS_ROWS_MIN:
        return None
    rows = priced_rows(body, price)
    priced = columns_of(rows)
    name = wordy_column(rows, {index: priced[index] for index in priced if index not in money})
    if name is None:
        return None
    money, marked = money_columns(columns, right_of=name)
    price = (marked or money)[0]
    further = [index for index in (marked or money) if index > price]
    above = None if is_said else _header_above(sheet, columns, name, price)
    if above is not None:
        header, headers = above, above.texts
    known = _known(headers, {name, price, *further})
    return Layout(
        header_row=header.last if header is not None else 0,
        data_start_row=start + 1 if is_said else min(columns[price].price_rows) + 1,
        columns=known | {Role.NAME: name, Role.PRICE: price},
        price_columns=price_kinds([price, *further], {}),
        characteristic_columns=keys_of(columns, headers, {name, price, *further, *known.values()}),
        headers=headers,
        confidence=_HEADERLESS_CONFIDENCE,
        reasons=(
            "no header was found" if above is None else "the header has no word that is known",
            f"column {name + 1} has words and column {price + 1} has prices",
        ),
    )


def _known(headers: Mapping[int, str], taken: Collection[int]) -> dict[Role, int]:
    """Return what the known words of a header name beside names and prices, the leftmost each."""
    known: dict[Role, int] = {}
    for column, text in sorted(headers.items()):
        meaning = header_meaning(text)
        if meaning is not None and column not in taken:
            known.setdefault(meaning.role, column)
    known.pop(Role.NAME, None)
    known.pop(Role.PRICE, None)
    return known


def _header_above(
    sheet: SheetSample, columns: Mapping[int, Column], name: int, price: int
) -> HeaderLines | None:
    """Return the line above the first price if it is a header of words that we do not know."""
    line = min(columns[price].price_rows) - 1
    while line >= 0 and not any(map(cell_text, sheet.rows[line])):
        line -= 1
    if line < 0:
        return None
    texts = [cell_text(cell) for cell in sheet.rows[line]]
    filled = [text for text in texts if text]
    usual = sum(column.filled > _MOSTLY * columns[price].filled for column in columns.values())
    if max(name, price) >= len(texts) or not (texts[name] and texts[price]):
        return None
    others = {cell_text(row[price]) for row in sheet.rows[line + 1 :] if price < len(row)}
    is_header = (
        len(filled) > _MOSTLY * usual
        and texts[price] not in others
        and not any(map(str.isdigit, texts[price]))
        and not _ON_REQUEST.search(texts[price].casefold())
        and all(len(text) <= _HEADER_LENGTH_MAX and not is_number_like(text) for text in filled)
    )
    return joined_lines(sheet, line + 1, line + 1) if is_header else None
