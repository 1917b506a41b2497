"""Workbooks (xlsx, xls, xlsb, ods) as grids, their rows made one by one.

A workbook of two kilobytes can make the parser ask for half a terabyte and abort its process; so
none is ever opened outside a process with limits.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Final

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from marketbel_adapters.sources.checks.limits import CELLS_MAX
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Cell, Grid

__all__ = ["SheetRows", "hidden_sheets", "too_large_sheet", "workbook_grids"]

_PASSES: Final = 2
"""A sheet is gone through for its layout and for its rows; then its memory is given back."""


def workbook_grids(
    file: BinaryIO, *, sheet_name: str | None = None, or_first: bool = False
) -> tuple[list[Grid], list[str]]:
    """Return the visible sheets, or the one that is asked for, and the names of the hidden ones.

    Args:
        file: The workbook.
        sheet_name: Compared without regard to case and outer blanks; finds hidden sheets, too.
        or_first: Whether the first visible sheet will do when none is called so.

    Raises:
        RefusedError: `xlsx.corrupt`, `xlsx.sheet_missing` (names the sheets there are),
            `xlsx.sheet_too_large`, `file.encrypted`.
    """
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(file.read()))
        names = _chosen(book, sheet_name)
        if not names and or_first:
            names = _chosen(book, None)[:1]
        if not names:
            raise _missing(book, sheet_name)
        grids = [Grid(name=name, rows=SheetRows(book, name)) for name in names]
    except PasswordError as error:
        raise RefusedError(
            "file.encrypted", "the workbook is protected by a password; send it without"
        ) from error
    except (CalamineError, ValueError, OSError) as error:
        raise _corrupt(str(error)[:200]) from error
    return grids, hidden_sheets(book) if sheet_name is None else []


def hidden_sheets(book: CalamineWorkbook) -> list[str]:
    """Return the sheets that are left out unless they are asked for."""
    shown = set(_chosen(book, None))
    return [
        meta.name
        for meta in book.sheets_metadata
        if meta.typ == SheetTypeEnum.WorkSheet and meta.name not in shown
    ]


def _chosen(book: CalamineWorkbook, wanted: str | None) -> list[str]:
    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    if wanted is not None:
        folded = wanted.strip().casefold()
        return [meta.name for meta in sheets if meta.name.strip().casefold() == folded][:1]
    # Hidden sheets hold the helpers of whoever made the list; all hidden means none is a helper.
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    return visible or [meta.name for meta in sheets]


class SheetRows:
    """The rows of a sheet, cells from column A on; may be gone through again and again."""

    def __init__(self, book: CalamineWorkbook, name: str) -> None:
        """Open the sheet `name` of `book`.

        Raises:
            RefusedError: `xlsx.sheet_too_large`: it reaches too far.
        """
        self._book = book
        self._name = name
        self._passes = 0
        self._sheet: CalamineSheet | None = self._opened()

    def __len__(self) -> int:
        end = (self._sheet or self._opened()).end
        return 0 if end is None else end[0] + 1

    def __iter__(self) -> Iterator[list[Cell]]:
        sheet = self._sheet = self._sheet or self._opened()
        left: list[Cell] = [None] * (sheet.start[1] if sheet.start else 0)
        merges = _tall_merges(sheet)
        rows = _trimmed(sheet, left)
        yield from _filled_down(rows, merges) if merges else rows
        self._passes += 1
        if self._passes >= _PASSES:
            self._sheet = None

    def _opened(self) -> CalamineSheet:
        try:
            sheet = self._book.get_sheet_by_name(self._name)
        except (CalamineError, ValueError, OSError) as error:
            raise _corrupt(str(error)[:200]) from error
        end = sheet.end
        if end is not None and (end[0] + 1) * (end[1] + 1) > CELLS_MAX:
            raise too_large_sheet(f"sheet {self._name!r} has more cells than a price list may")
        return sheet


def _trimmed(sheet: CalamineSheet, left: list[Cell]) -> Iterator[list[Cell]]:
    rows: Iterator[list[Cell]] = sheet.iter_rows()  # type: ignore[assignment]  # lists anew
    for cells in rows:
        row = [*left, *cells] if left else cells
        if "" in row:
            row = [None if cell == "" else cell for cell in row]
        while row and row[-1] is None:
            row.pop()
        yield row


def _tall_merges(sheet: CalamineSheet) -> dict[int, list[tuple[int, int]]]:
    """Return last row and left column of what is merged over several rows, by first row."""
    merges: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top:
            merges.setdefault(top, []).append((bottom, left))
    return merges


def _filled_down(
    rows: Iterator[list[Cell]], merges: dict[int, list[tuple[int, int]]]
) -> Iterator[list[Cell]]:
    """Give a merged value to every row that has something of its own: a name over its sizes."""
    reaching: list[tuple[int, int, Cell]] = []
    for number, row in enumerate(rows):
        if row:
            reaching = [merge for merge in reaching if merge[0] >= number]
            for _, column, value in reaching:
                if column >= len(row):
                    row.extend([None] * (column + 1 - len(row)))
                if row[column] is None:
                    row[column] = value
        for bottom, column in merges.get(number, ()):
            if column < len(row) and row[column] is not None:
                reaching.append((bottom, column, row[column]))
        yield row


def too_large_sheet(why: str) -> RefusedError:
    """Return the refusal of a sheet that reaches too far."""
    return RefusedError(
        "xlsx.sheet_too_large",
        f"a sheet is too large: {why}; delete empty rows and columns, or split the list",
    )


def _missing(book: CalamineWorkbook, wanted: str | None) -> RefusedError:
    if wanted is None:
        return RefusedError("xlsx.corrupt", "the workbook has no sheet with cells")
    there = ", ".join(repr(name) for name in book.sheet_names)
    return RefusedError("xlsx.sheet_missing", f"no sheet is called {wanted!r}; there are: {there}")


def _corrupt(detail: str) -> RefusedError:
    return RefusedError(
        "xlsx.corrupt", f"the workbook cannot be opened ({detail}); save it again as xlsx"
    )
