"""Rejected rows as a workbook to be put right and sent again: each row beside its reason.

Every cell is text and marked as such (`quotePrefix`): what begins with `=`, `+`, `-` or `@` is
shown and never calculated, here and after the workbook was edited.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import xlsxwriter

from marketbel_core.errors import UnavailableError
from marketbel_core.ports import LogEntry

__all__ = ["write_rejected"]

_HEADS: Final = ("sheet", "row", "column", "value", "code", "reason")
_CELL_LENGTH_MAX: Final = 32_767  # of the format
_WIDTH: Final = 24


def write_rejected(path: Path, entries: Sequence[LogEntry]) -> None:
    """Write the rows to `path`: where each stood, why it was rejected, and its cells by column.

    Raises:
        UnavailableError: the file cannot be written (`storage.unavailable`).
    """
    columns = _columns(entries)
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            sheet = book.add_worksheet("rejected")
            text = book.add_format({"quote_prefix": True})
            bold = book.add_format({"bold": True, "quote_prefix": True})
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(_HEADS) + len(columns) - 1, _WIDTH)
            for column, head in enumerate((*_HEADS, *columns)):
                sheet.write_string(0, column, head[:_CELL_LENGTH_MAX], bold)
            for place, entry in enumerate(entries, start=1):
                for column, cell in enumerate(_row(entry, columns)):
                    if cell:
                        sheet.write_string(place, column, cell[:_CELL_LENGTH_MAX], text)
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise UnavailableError(
            f"{path} cannot be written: {error}", code="storage.unavailable"
        ) from error


def _row(entry: LogEntry, columns: Sequence[str]) -> list[str]:
    details, cells = entry.details, _cells(entry)
    reason = entry.message.partition(": ")[2] or entry.message
    return [
        str(details.get("sheet", "")),
        "" if entry.row_number is None else str(entry.row_number),
        str(details.get("column", "")),
        str(details.get("value", "")),
        str(details.get("code", "")),
        reason,
        *(cells.get(name, "") for name in columns),
    ]


def _columns(entries: Sequence[LogEntry]) -> list[str]:
    """Return the columns of all rows in the order of the list that they come from.

    A column that only some rows have stands behind the one before it in its row.
    """
    merged: list[str] = []
    known: set[str] = set()
    for entry in entries:
        cells, said = _cells(entry), entry.details.get("columns")
        ordered = [str(name) for name in said] if isinstance(said, list) else []
        place = 0
        for name in dict.fromkeys((*(name for name in ordered if name in cells), *cells)):
            if name in known:
                place = merged.index(name) + 1
                continue
            merged.insert(place, name)
            known.add(name)
            place += 1
    return merged


def _cells(entry: LogEntry) -> dict[str, str]:
    cells = entry.details.get("cells")
    if not isinstance(cells, dict):
        return {}
    return {str(name): "" if cell is None else str(cell) for name, cell in cells.items()}
