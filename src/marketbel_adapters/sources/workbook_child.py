"""The process that opens a stranger's workbook, because some workbooks take the process with them.

Run by `run_confined`, never imported by the parent: stdin is the workbook, the first argument (if
any) the wanted sheet; `or-first` after it says that the first one will do as well. stdout is one
JSON value a line: `{"sheet": name}`, then a list of cells a row; or a single `{"error": code, …}`.
"""

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import TextIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from marketbel_adapters.sources.checks.limits import CELLS_MAX

__all__ = ["main", "write_sheets"]


def main(arguments: list[str]) -> int:
    """Read the workbook on stdin and write its rows; return the exit code."""
    wanted = arguments[0] if arguments else None
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]  # a real file
    write_sheets(sys.stdin.buffer.read(), wanted, sys.stdout, or_first="or-first" in arguments[1:])
    return 0


def write_sheets(
    content: bytes, wanted: str | None, out: TextIO, *, or_first: bool = False
) -> None:
    """Write the rows of the wanted sheet, or of every visible one, to `out`."""
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        names = _chosen(book, wanted)
        if not names and or_first:
            names = _chosen(book, None)[:1]
        if not names:
            _line(out, {"error": "xlsx.sheet_missing", "sheets": book.sheet_names})
        for name in names:
            if not _write_sheet(book.get_sheet_by_name(name), out):
                _line(out, {"error": "xlsx.sheet_too_large", "sheets": [name]})
                return
    except PasswordError:
        _line(out, {"error": "file.encrypted"})
    except MemoryError:
        _line(out, {"error": "xlsx.sheet_too_large"})
    except (CalamineError, ValueError, OSError) as error:
        _line(out, {"error": "xlsx.corrupt", "detail": str(error)[:200]})


def _chosen(book: CalamineWorkbook, wanted: str | None) -> list[str]:
    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    if wanted is not None:
        folded = wanted.strip().casefold()
        return [meta.name for meta in sheets if meta.name.strip().casefold() == folded][:1]
    # Hidden sheets hold the helpers of whoever made the list; all hidden means none is a helper.
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    return visible or [meta.name for meta in sheets]


def _write_sheet(sheet: CalamineSheet, out: TextIO) -> bool:
    end = sheet.end
    if end is not None and (end[0] + 1) * (end[1] + 1) > CELLS_MAX:
        return False
    _line(out, {"sheet": sheet.name})
    rows: list[list[object]] = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    for top, bottom, column in _tall_merges(sheet):
        _fill_down(rows[top : bottom + 1], column)
    for row in rows:
        while row and row[-1] == "":
            row.pop()
        _line(out, [_coded(cell) for cell in row])
    return True


def _tall_merges(sheet: CalamineSheet) -> Iterator[tuple[int, int, int]]:
    """Yield first row, last row and left column of what is merged over several rows."""
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top:
            yield top, bottom, left


def _fill_down(rows: list[list[object]], column: int) -> None:
    """Give a merged value to every row that has something of its own: a name over its sizes."""
    if not rows or column >= len(rows[0]):
        return
    for row in rows[1:]:
        if column < len(row) and row[column] == "" and any(cell != "" for cell in row):
            row[column] = rows[0][column]


def _coded(cell: object) -> object:
    """Return the cell as JSON; what JSON lacks becomes a pair of a kind and a text."""
    match cell:
        case "":
            return None
        case datetime():
            return ["datetime", cell.isoformat()]
        case date():
            return ["date", cell.isoformat()]
        case time():
            return ["time", cell.isoformat()]
        case timedelta():
            return ["seconds", str(cell.total_seconds())]
        case _:
            return cell


def _line(out: TextIO, value: object) -> None:
    out.write(json.dumps(value, separators=(",", ":")) + "\n")
