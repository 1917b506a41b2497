"""The decimal mark of each column of prices, where its own figures tell or its neighbours do."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Final

from marketbel_core.intake.grid import Cell
from marketbel_core.intake.text import (
    DecimalMark,
    ParsedPrice,
    cell_text,
    decimal_mark_of,
    is_number_like,
    parse_price,
)

__all__ = ["marks_of"]

_MOSTLY: Final = 0.9
_ROWS_MIN: Final = 3
_FAR: Final = Decimal(10)
"""No two prices of one thing differ by more; read by the wrong mark they differ a thousandfold."""


def marks_of(
    columns: Mapping[int, str | None], rows: Sequence[Sequence[Cell]]
) -> dict[int, DecimalMark]:
    """Return the decimal marks of columns; one that does not tell has the other columns' mark.

    Where no other column tells either, the prices of one row are near each other: a column of
    prices in the same money that can be read tells thousands from three decimals.

    Args:
        columns: The columns of prices, each with the currency that its header names.
        rows: Some of the sheet's rows.
    """
    texts = {column: _texts_of(column, rows) for column in columns}
    marks = {column: decimal_mark_of(found) for column, found in texts.items()}
    unsure = [
        column
        for column, mark in marks.items()
        if mark is DecimalMark.UNKNOWN
        and any("." in text or "," in text for text in texts[column])
    ]
    if unsure:
        told = set(marks.values()) - {DecimalMark.UNKNOWN} or _marks_of_figures(columns, rows)
        if len(told) == 1:
            return marks | dict.fromkeys(unsure, next(iter(told)))
        for column in unsure:
            beside = {
                other: marks[other]
                for other, currency in columns.items()
                if other not in unsure and currency == columns[column]
            }
            marks[column] = _mark_by_neighbours(column, beside, rows)
    return marks


def _mark_by_neighbours(
    column: int, beside: Mapping[int, DecimalMark], rows: Sequence[Sequence[Cell]]
) -> DecimalMark:
    """Return the mark by which a column's prices are near those of the columns beside it."""
    near = set()
    for mark in (DecimalMark.POINT, DecimalMark.COMMA):
        mine = [_price(row, column, mark) for row in rows]
        for other, known in beside.items():
            pairs = zip(mine, (_price(row, other, known) for row in rows), strict=True)
            ratios = [
                one.exact / another.exact
                for one, another in pairs
                if one and another and one.currency == another.currency
            ]
            if len(ratios) >= _ROWS_MIN and 1 / _FAR < median(ratios) < _FAR:
                near.add(mark)
    return near.pop() if len(near) == 1 else DecimalMark.UNKNOWN


def _price(row: Sequence[Cell], column: int, mark: DecimalMark) -> ParsedPrice | None:
    price = parse_price(row[column] if column < len(row) else None, mark=mark)
    return price if isinstance(price, ParsedPrice) else None


def _marks_of_figures(prices: Iterable[int], rows: Sequence[Sequence[Cell]]) -> set[DecimalMark]:
    """Return the decimal marks of the columns of figures that are no prices: weights, sizes."""
    told = set()
    for column in set(range(max(map(len, rows), default=0))).difference(prices):
        texts = _texts_of(column, rows)
        figures = [text for text in texts if is_number_like(text)]
        has_dates = any(text.count(".") + text.count(",") > 1 for text in figures)
        if len(figures) >= _MOSTLY * len(texts) and not has_dates:
            told.add(decimal_mark_of(figures))
    return told - {DecimalMark.UNKNOWN}


def _texts_of(column: int, rows: Sequence[Sequence[Cell]]) -> list[str]:
    cells = (row[column] for row in rows if column < len(row))
    return [text for cell in cells if isinstance(cell, str) and (text := cell_text(cell))]
