"""A bounded part of a sheet, by which its layout is found: a list may have a million rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.intake.grid import Cell, Grid

__all__ = ["SheetSample", "sample_of"]

_HEAD_ROWS: Final = 640
"""Enough for a header far down and what follows it."""

_FURTHER_ROWS_MAX: Final = 1_024
"""Rows from all over the rest: a column may begin to be filled late."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetSample:
    """The first rows of a sheet and some of the others.

    Attributes:
        rows: The first rows, row 1 of the sheet first.
        further: Some rows below them, evenly taken, in their order.
        total: How many rows the sheet has.
    """

    rows: tuple[Sequence[Cell], ...]
    further: tuple[Sequence[Cell], ...]
    total: int


def sample_of(grid: Grid) -> SheetSample:
    """Return the sample of a sheet; goes through its rows once and keeps few of them."""
    head: list[Sequence[Cell]] = []
    further: list[Sequence[Cell]] = []
    stride = 1
    total = 0
    for row in grid.rows:
        below = total - _HEAD_ROWS
        total += 1
        if below < 0:
            head.append(row)
        elif below % stride == 0:
            further.append(row)
            if len(further) == _FURTHER_ROWS_MAX:
                further = further[::2]
                stride *= 2
    return SheetSample(tuple(head), tuple(further), total)
