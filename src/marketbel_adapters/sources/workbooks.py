"""Workbooks (xlsx, xls, xlsb, ods) as grids, read in a child process that may die of them.

A workbook of two kilobytes can make the parser ask for half a terabyte and abort its process; so
no workbook is ever parsed in the process that serves other suppliers as well.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Final

from marketbel_adapters.sources.confining import (
    ChildDiedError,
    ChildEnd,
    ChildLimits,
    run_confined,
)
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Cell, Grid

__all__ = ["READING_LIMITS", "decoded_sheets", "read_workbook"]

_CHILD: Final = "marketbel_adapters.sources.workbook_child"
READING_LIMITS: Final = ChildLimits(cpu_seconds_max=60, wall_seconds_max=60.0)


async def read_workbook(
    content: bytes,
    *,
    sheet_name: str | None = None,
    or_first: bool = False,
    limits: ChildLimits = READING_LIMITS,
) -> tuple[Grid, ...]:
    """Return the visible sheets, or the one that is asked for, hidden or not.

    Args:
        content: The file as it arrived.
        sheet_name: Compared without regard to case and outer blanks.
        or_first: Whether the first visible sheet will do when none is called so.
        limits: What the child may use.

    Raises:
        RefusedError: `xlsx.corrupt`, `xlsx.sheet_missing` (names the sheets there are),
            `xlsx.sheet_too_large` (memory or cells), `file.too_complex` (time),
            `file.encrypted`.
    """
    arguments: tuple[str, ...] = () if sheet_name is None else (sheet_name,)
    if sheet_name is not None and or_first:
        arguments = (sheet_name, "or-first")
    try:
        output = await run_confined(_CHILD, *arguments, stdin=content, limits=limits)
    except ChildDiedError as death:
        raise _death(death.end) from death
    return await asyncio.to_thread(decoded_sheets, output, wanted=sheet_name)


def _death(end: ChildEnd) -> RefusedError:
    match end:
        case ChildEnd.MEMORY:
            return _too_large("it needs more memory than a price list may")
        case ChildEnd.CPU | ChildEnd.SLOW:
            return RefusedError(
                "file.too_complex",
                "the workbook takes more time to read than a price list may; split it, or save it "
                "again without unused sheets and formatting",
            )
        case ChildEnd.FAULT:
            return RefusedError(
                "xlsx.corrupt", "the workbook cannot be opened; save it again as xlsx"
            )


def _too_large(why: str) -> RefusedError:
    return RefusedError(
        "xlsx.sheet_too_large",
        f"a sheet is too large: {why}; delete empty rows and columns, or split the list",
    )


def decoded_sheets(output: bytes, *, wanted: str | None = None) -> tuple[Grid, ...]:
    sheets: list[tuple[str, list[tuple[Cell, ...]]]] = []
    for value in _values(output):
        if isinstance(value, list):
            sheets[-1][1].append(tuple(_cell(coded) for coded in value))
        elif "error" in value:
            raise _refusal(value, wanted)
        else:
            sheets.append((str(value["sheet"]), []))
    return tuple(Grid(name=name, rows=tuple(rows)) for name, rows in sheets)


def _values(output: bytes) -> Iterator[list[object] | dict[str, object]]:
    for line in BytesIO(output):  # not splitlines, which would keep a second copy
        yield json.loads(line)


def _cell(coded: object) -> Cell:
    match coded:
        case None | str() | int() | float():
            return coded
        case ["datetime", str(text)]:
            return datetime.fromisoformat(text)
        case ["date", str(text)]:
            return date.fromisoformat(text)
        case ["time", str(text)]:
            return time.fromisoformat(text)
        case ["seconds", str(text)]:
            return timedelta(seconds=float(text))
        case _:
            raise AssertionError(f"the child wrote an unknown cell: {coded!r}")


def _refusal(report: dict[str, object], wanted: str | None) -> RefusedError:
    code = str(report["error"])
    names = report.get("sheets")
    there = ", ".join(repr(name) for name in names) if isinstance(names, list) else ""
    match code:
        case "xlsx.sheet_missing" if wanted is not None:
            return RefusedError(code, f"no sheet is called {wanted!r}; there are: {there}")
        case "xlsx.sheet_missing":
            return RefusedError("xlsx.corrupt", "the workbook has no sheet with cells")
        case "xlsx.sheet_too_large":
            return _too_large(f"sheet {there} has more cells than a price list may")
        case "file.encrypted":
            return RefusedError(code, "the workbook is protected by a password; send it without")
        case _:
            detail = str(report.get("detail", ""))
            return RefusedError(
                "xlsx.corrupt", f"the workbook cannot be opened ({detail}); save it again as xlsx"
            )
