"""Which column is what by its cells alone: prices, codes, currencies, bar codes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from marketbel_core.intake.characteristics import is_gtin
from marketbel_core.intake.columns import Column
from marketbel_core.intake.money_words import is_currency_alone

__all__ = ["barcode_column", "code_column", "currency_column", "is_dirty_sku", "money_columns"]

_MOSTLY: Final = 0.5
_NEARLY_ALL: Final = 0.9
_ROWS_MIN: Final = 3
_CONSTANT_ROWS_MIN: Final = 10
_DISTINCT_MIN: Final = 0.95
_SMALL: Final = 0.1
_CODE_LENGTH_MAX: Final = 40
_COUNTED_LENGTH_MIN: Final = 4
_SKU_LENGTH_MAX: Final = 60


def money_columns(
    columns: Mapping[int, Column], *, right_of: int | None = None
) -> tuple[list[int], list[int]]:
    """Return the columns that may be prices, and of those the ones with cents or a currency.

    Args:
        columns: The columns' figures.
        right_of: The column of names: figures left of it are codes if there are any to its right.
    """
    rows = max((column.filled for column in columns.values()), default=0)
    money = [
        index
        for index, column in sorted(columns.items())
        if column.sure_prices > _MOSTLY * rows
        and not column.is_code_like
        and not column.is_counter
        and not column.is_years
    ]
    if right_of is not None:
        money = [index for index in money if index > right_of] or money
    money = [index for index in money if not _is_constant(columns[index])] or money
    most = max((columns[index].median for index in money), default=0.0)
    money = [
        index
        for index in money
        if columns[index].marked_prices or columns[index].median > _SMALL * most
    ]
    marked = [index for index in money if columns[index].marked_prices]
    return money, marked


def _is_constant(column: Column) -> bool:
    """Tell a rate or a number of pieces, the same down the list, from prices."""
    return column.distinct <= 2 and column.filled >= _CONSTANT_ROWS_MIN  # noqa: PLR2004  # 10 or 20 % of tax


def code_column(
    columns: Mapping[int, Column], texts: Sequence[Sequence[str]], free: Collection[int]
) -> int | None:
    """Return the leftmost column whose texts are codes, one for each row."""
    rows = len(texts)
    for index in sorted(free):
        column = columns.get(index)
        if column is None or column.filled < _NEARLY_ALL * rows:
            continue
        cells = [row[index] for row in texts if index < len(row) and row[index]]
        if column.is_counter and min(map(len, cells)) < _COUNTED_LENGTH_MIN:
            continue  # 1, 2, 3, … and not 10001, 10002, …
        if (
            rows >= _ROWS_MIN
            and column.distinct >= _DISTINCT_MIN * column.filled
            and all(len(cell) <= _SKU_LENGTH_MAX for cell in cells)
            and sum(_is_code(cell) for cell in cells) >= _NEARLY_ALL * len(cells)
        ):
            return index
    return None


def _is_code(text: str) -> bool:
    """Tell "525-3502108-10" from a name and from a price."""
    if len(text) > _CODE_LENGTH_MAX or not any(map(str.isdigit, text)) or text.count(" ") > 2:  # noqa: PLR2004  # "1.2-50 70 3"
        return False
    letters = sum(map(str.isalpha, text))
    return letters <= sum(map(str.isdigit, text)) + 4  # a maker's letters


def is_dirty_sku(column: Column | None, rows: int) -> bool:
    """Tell whether a column of article numbers has few, or the same ones again and again."""
    if column is None:
        return True
    repeats = column.distinct <= 0.6 * column.filled
    scarce = column.filled < _MOSTLY * rows and column.distinct < 0.8 * column.filled
    return column.filled >= _ROWS_MIN and (repeats or scarce)


def currency_column(texts: Sequence[Sequence[str]], free: Collection[int]) -> int | None:
    """Return the leftmost column that has hardly anything but names of currencies."""
    return _leftmost(texts, free, is_currency_alone)


def barcode_column(texts: Sequence[Sequence[str]], free: Collection[int]) -> int | None:
    """Return the leftmost column of numbers with a right check digit."""
    return _leftmost(texts, free, is_gtin)


def _leftmost(
    texts: Sequence[Sequence[str]], free: Collection[int], fits: Callable[[str], bool]
) -> int | None:
    for index in sorted(free):
        cells = [row[index] for row in texts if index < len(row) and row[index]]
        if len(cells) > _MOSTLY * len(texts) and sum(map(fits, cells)) >= _NEARLY_ALL * len(cells):
            return index
    return None
