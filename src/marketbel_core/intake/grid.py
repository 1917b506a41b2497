"""A sheet as cells: what every reader turns a file into, before anybody asks what a cell means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

__all__ = ["DEFAULT_SHEET_NAME", "Cell", "Grid"]

DEFAULT_SHEET_NAME: Final = "Sheet1"
"""What the neighbours write when nobody has named a sheet: no more than a wish."""

type Cell = str | int | float | Decimal | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet, row by row.

    Attributes:
        name: The sheet's title; a csv file's only sheet is called `csv`, a PDF's `pdf table`.
        rows: Cells from column A on; rows may differ in length. Row 1 of the sheet comes first.
            It is gone through more than once, and gives the same each time: a tuple, or an object
            that opens its file anew; never a generator.
    """

    name: str
    rows: Iterable[Sequence[Cell]]
