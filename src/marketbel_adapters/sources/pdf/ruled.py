"""Tables with drawn borders: each text belongs to the cell in which it begins."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_adapters.sources.pdf.runs import Run, Word, lines_of

__all__ = ["Box", "is_table", "ruled_rows"]

type Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in points from the upper left corner of the page."""

_SLACK: Final = 2.0
"""Points by which drawn lines miss each other."""

_ALIGNED: Final = 0.2
"""Points by which the beginnings of texts of one column miss each other."""

_COLUMNS_MIN: Final = 2
_NUMBER: Final = re.compile(r"\D{0,4}\d[\d\s.,'’]*\D{0,6}")


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell, and the rows and columns it lies over, both ends included."""

    box: Box
    rows: tuple[int, int]
    columns: tuple[int, int]


def is_table(boxes: Sequence[Box]) -> bool:
    """Tell a table from a frame around a text."""
    return len(_starts(box[0] for box in boxes)) >= _COLUMNS_MIN


def ruled_rows(boxes: Sequence[Box], runs: Iterable[Run]) -> list[list[str]]:
    """Return the rows of a table that are not blank.

    Args:
        boxes: Its cells.
        runs: The texts that begin in it.
    """
    lefts, tops = _starts(box[0] for box in boxes), _starts(box[1] for box in boxes)
    cells = [_placed(box, lefts, tops) for box in boxes]
    texts = _texts(cells, runs, lefts, tops)
    rows: list[list[str]] = []
    for number in range(len(tops)):
        row = {
            cell.columns[0]: texts[cell]
            for cell in cells
            if cell.rows[0] == number and cell in texts
        }
        merged = {
            cell.columns[0]: texts[cell]
            for cell in cells
            if cell.rows[0] < number <= cell.rows[1] and cell in texts
        }
        rows.extend(_lines_of_row(row, merged, width=len(lefts)))
    return rows


def _starts(places: Iterable[float]) -> list[float]:
    """Return the places from small to large, those of one line once."""
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > _SLACK:
            found.append(place)
    return found


def _index(starts: Sequence[float], place: float) -> int:
    return max(0, bisect_right(starts, place + _SLACK) - 1)


def _placed(box: Box, lefts: Sequence[float], tops: Sequence[float]) -> _Cell:
    x0, top, x1, bottom = box
    last_row = max(_index(tops, top), _index(tops, bottom - 2 * _SLACK))
    last_column = max(_index(lefts, x0), _index(lefts, x1 - 2 * _SLACK))
    return _Cell(box, (_index(tops, top), last_row), (_index(lefts, x0), last_column))


def _texts(
    cells: Sequence[_Cell], runs: Iterable[Run], lefts: Sequence[float], tops: Sequence[float]
) -> dict[_Cell, list[Run]]:
    at = {
        (row, column): cell
        for cell in cells
        for row in range(cell.rows[0], cell.rows[1] + 1)
        for column in range(cell.columns[0], cell.columns[1] + 1)
    }
    texts: dict[_Cell, list[Run]] = defaultdict(list)
    begun: list[tuple[_Cell, Run]] = []
    for run in runs:
        cell = at.get((_index(tops, run.middle - _SLACK), _index(lefts, run.x0)))
        if cell is not None:
            texts[cell].append(run)
            begun.append((cell, run))
    usual = _usual_starts(begun)
    for cell, run in begun:
        column = cell.columns[1] + 1
        neighbour = at.get((cell.rows[0], column))
        if neighbour is None or neighbour in texts or run.x1 <= cell.box[2] + _SLACK:
            continue  # a cell with a text of its own was only run into
        before, beyond = _divided(run, cell.box[2] - _SLACK, usual.get(column))
        if before and beyond:
            texts[cell][texts[cell].index(run)] = run.with_words(before)
            texts[neighbour].append(run.with_words(beyond))
    return texts


def _usual_starts(begun: Iterable[tuple[_Cell, Run]]) -> dict[int, float]:
    """Return where the texts of each column begin, of columns where most begin alike."""
    starts: dict[int, Counter[float]] = defaultdict(Counter)
    for cell, run in begun:
        starts[cell.columns[0]][round(run.x0, 1)] += 1
    usual = {}
    for column, counts in starts.items():
        place, count = counts.most_common(1)[0]
        if count * 2 > counts.total():
            usual[column] = place
    return usual


def _divided(
    run: Run, border: float, usual: float | None
) -> tuple[Sequence[Word], Sequence[Word]]:
    """Return the words of two cells that were taken for one run: their texts nearly touch.

    Args:
        run: It goes beyond the border; nothing else begins behind that.
        border: Where the second cell begins.
        usual: Where the texts of the second cell's column begin as a rule.
    """
    if usual is not None:
        for number, word in enumerate(run.words):
            for cut, start in enumerate(word.starts):
                if abs(start - usual) > _ALIGNED or not number + cut:
                    continue
                if not cut:
                    return run.words[:number], run.words[number:]
                left, right = word.cut_at(cut)
                return (*run.words[:number], left), (right, *run.words[number + 1 :])
    before = [word for word in run.words if word.x0 < border]
    return before, run.words[len(before) :]


def _lines_of_row(
    row: dict[int, list[Run]], merged: dict[int, list[Run]], *, width: int
) -> list[list[str]]:
    """Return a drawn row as the rows that it holds: several where no line divides them."""
    if not row:
        return []
    anchors = _anchors(row)
    if len(anchors) <= 1:
        texts = {column: _text(runs) for column, runs in {**merged, **row}.items()}
        return [_labelled([texts.get(column, "") for column in range(width)])]
    rows = [[""] * width for _ in anchors]
    for column, runs in row.items():
        parts: dict[int, list[Run]] = defaultdict(list)
        for run in runs:
            parts[max(0, bisect_right(anchors, run.middle + run.size / 3) - 1)].append(run)
        for number, part in parts.items():
            rows[number][column] = _text(part)
    return rows


def _anchors(row: dict[int, list[Run]]) -> list[float]:
    """Return where items stand one above the other in one row: at figures of the last columns."""
    for _, runs in sorted(row.items(), reverse=True):
        lines = lines_of(runs)
        if len(lines) > 1 and all(
            _NUMBER.fullmatch(" ".join(run.text for run in line)) for line in lines
        ):
            return [line[0].middle for line in lines]
    return []


def _text(runs: Iterable[Run]) -> str:
    return " ".join(run.text for line in lines_of(runs) for run in line)


def _labelled(cells: list[str]) -> list[str]:
    """Return "Category:" and what stands beside it, alone in their row, as one title."""
    filled = [index for index, text in enumerate(cells) if text]
    if len(filled) == _COLUMNS_MIN and cells[filled[0]].endswith(":"):
        label, value = filled
        cells[label], cells[value] = f"{cells[label]} {cells[value]}", ""
    return cells
