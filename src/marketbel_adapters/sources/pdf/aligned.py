"""Tables without borders: columns are where lines agree to leave white space."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from marketbel_adapters.sources.pdf.runs import Run

__all__ = ["aligned_rows", "columns_between"]

_TABULAR: Final = 2
_GUTTER_POINTS_MIN: Final = 3
_CROSSED: Final = 0.03
"""Of a hundred lines three may run into a gutter: long names do."""

_CLOSE: Final = 0.85
"""Lines nearer than this, in usual distances, are one row that was wrapped."""


def columns_between(lines: Sequence[Sequence[Run]]) -> list[tuple[int, int]]:
    """Return where columns begin and end, in points from the left edge of the page.

    Args:
        lines: Lines of all pages that are set alike, cut into segments; those of one segment say
            nothing about columns.
    """
    tabular = [line for line in lines if len(line) >= _TABULAR]
    right = round(max((run.x1 for line in tabular for run in line), default=0)) + 1
    steps = [0] * (right + 2)
    for line in tabular:
        for run in line:
            steps[max(0, round(run.x0))] += 1
            steps[max(round(run.x0), round(run.x1)) + 1] -= 1
    allowed = int(len(tabular) * _CROSSED)
    columns: list[tuple[int, int]] = []
    covered = 0
    for place, step in enumerate(steps):
        covered += step
        if covered <= allowed:
            continue
        if columns and place - columns[-1][1] < _GUTTER_POINTS_MIN:
            columns[-1] = (columns[-1][0], place)
        else:
            columns.append((place, place))
    return columns


def aligned_rows(
    lines: Sequence[Sequence[Run]], columns: Sequence[tuple[int, int]]
) -> list[list[str]]:
    """Return the lines of one page as rows; a line of one segment stays a row of one cell."""
    pitch = _pitch(lines)
    rows: list[list[str]] = []
    last: Sequence[Run] | None = None
    for line in lines:
        cells = [""] * len(columns)
        for run in line:
            column = _column(run, columns)
            cells[column] = f"{cells[column]} {run.text}".strip()
        if last is not None and _goes_on(cells, rows[-1], line[0].top - last[0].top, pitch):
            rows[-1] = [
                f"{upper} {lower}".strip() for upper, lower in zip(rows[-1], cells, strict=True)
            ]
        else:
            rows.append(cells)
        last = line
    return rows


def _goes_on(cells: Sequence[str], above: Sequence[str], distance: float, pitch: float) -> bool:
    """Tell whether the line is the rest of a text that did not fit into the row above."""
    filled = [index for index, text in enumerate(cells) if text]
    tabular = sum(1 for text in above if text) >= _TABULAR
    return (
        tabular
        and len(filled) == 1
        and filled[0] < len(cells) - 1
        and bool(above[filled[0]])
        and distance < _CLOSE * pitch
    )


def _pitch(lines: Sequence[Sequence[Run]]) -> float:
    """Return how far rows are usually apart."""
    tops = [line[0].top for line in lines if len(line) >= _TABULAR]
    gaps = [below - above for above, below in pairwise(tops)]
    return median(gaps) if gaps else 0.0


def _column(run: Run, columns: Sequence[tuple[int, int]]) -> int:
    """Return the column in which the text lies most, else the nearest one."""

    def closeness(index: int) -> float:
        begin, end = columns[index]
        return min(run.x1, end) - max(run.x0, begin)

    return max(range(len(columns)), key=closeness)
