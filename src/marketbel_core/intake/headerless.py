"""The layout of a sheet without a header: words in a column, prices in another."""

from typing import Final

from marketbel_core.intake.columns import (
    body_of,
    columns_below,
    columns_of,
    keys_of,
    priced_rows,
)
from marketbel_core.intake.content_columns import money_columns
from marketbel_core.intake.found_layout import Layout
from marketbel_core.intake.header_lines import HeaderLines
from marketbel_core.intake.headers import Role, price_kinds
from marketbel_core.intake.name_column import wordy_column
from marketbel_core.intake.sample import SheetSample

__all__ = ["layout_by_content"]

_HEADERLESS_CONFIDENCE: Final = 0.4
_HEADERLESS_ROWS_MIN: Final = 3


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
    return Layout(
        header_row=header.last if header is not None else 0,
        data_start_row=start + 1 if is_said else min(columns[price].price_rows) + 1,
        columns={Role.NAME: name, Role.PRICE: price},
        price_columns=price_kinds([price, *further], {}),
        characteristic_columns=keys_of(columns, headers, {name, price, *further}),
        headers=headers,
        confidence=_HEADERLESS_CONFIDENCE,
        reasons=(
            "no header was found",
            f"column {name + 1} has words and column {price + 1} has prices",
        ),
    )
