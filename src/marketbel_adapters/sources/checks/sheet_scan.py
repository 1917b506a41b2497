"""How far a sheet of an xlsx file reaches, found without parsing it where that is possible.

A reader takes memory for the rectangle from A1 to the last cell used, so one value in XFD1048576
costs 512 GB. References of the usual spelling are collected by regular expressions; a sheet with
any other spelling, or one that seems too large, is parsed and counted cell by cell: formatting
without a value, which reaches to the last column in many lists, is not a used cell.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from marketbel_adapters.sources.checks.archives import corrupt
from marketbel_adapters.sources.checks.limits import (
    CELLS_MAX,
    COLUMNS_MAX,
    EXCEL_COLUMNS_MAX,
    ROWS_MAX,
)
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.xml_parts import local_name, parse

__all__ = ["SheetScan", "check_extent", "too_large"]

_ROOT: Final = re.compile(rb"<((?:[\w.\-]+:)?)worksheet[\s/>]")
_BARE_CELL: Final = re.compile(rb"<c[\s/>]")
_PREFIXED_CELL: Final = re.compile(rb":c[\s/>]")
_DIMENSION: Final = re.compile(rb"""dimension\s[^<>]*?ref\s*=\s*["']([^"'<>]*)""")
_DDE: Final = re.compile(rb"[<:]f(?:\s[^<>]*)?>([^<]*\|[^<]*)")
_NAMES: Final = re.compile(rb"\x22[^\x22]*\x22|'[^']*'!|\[[^\[\]]*\]")
"""Strings, sheets and columns of tables: places where a bar is only a letter."""

_DDE_CALL: Final = re.compile(rb"[\w.']\|")
_REFERENCE: Final = re.compile(r"\$?([A-Za-z]{1,7})\$?([0-9]{1,10})")
_FIGURES: Final = b"0123456789"
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TAG_BYTES_MAX: Final = 8 * 1024 * 1024
"""Lists of ranges in one attribute reach a tenth of it."""


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What cells look like in a sheet whose elements have a certain prefix.

    Each pattern begins with fixed letters, which makes the search five times as fast as one that
    would accept any prefix; the sheets of one file may be half a gigabyte.
    """

    reference: re.Pattern[bytes]
    cell: re.Pattern[bytes]
    formula: re.Pattern[bytes]
    prefix: bytes

    @classmethod
    def of(cls, prefix: bytes) -> Self:
        """Return the spelling with `prefix`, its colon included."""
        tag = b"<" + re.escape(prefix)
        return cls(
            reference=re.compile(tag + rb'c\s(?:[^<>\x27]*?\s)??r="([A-Z]{1,3}[0-9]{1,7})"'),
            cell=re.compile(tag + rb"c[\s/>]"),
            formula=re.compile(tag + rb"f[\s/>]"),
            prefix=prefix,
        )

    def is_mixed(self, text: bytes, *, cells: int) -> bool:
        """Return whether there seem to be cells with another prefix beside `cells` of this one."""
        prefixed = len(_PREFIXED_CELL.findall(text))
        if not self.prefix:
            return prefixed > 0
        ends = text.count(b"</" + self.prefix + b"c>")  # they look like beginnings here
        return prefixed != cells + ends or _BARE_CELL.search(text) is not None


@dataclass(slots=True)
class SheetScan:
    """One sheet, seen chunk by chunk (UTF-8).

    Attributes:
        formula_cells: How many cells have a formula.
        calls_programs: Whether a formula has the form of a DDE call: `program|topic!item`.
    """

    formula_cells: int = 0
    calls_programs: bool = False
    _spelling: _Spelling | None = None
    _columns: set[bytes] = field(default_factory=set)
    _rows: set[bytes] = field(default_factory=set)
    _dimension: tuple[int, int] = (0, 0)
    _odd: bool = False
    _carry: bytes = b""
    _ends_well: bool = False

    def see(self, chunk: bytes) -> None:
        """Look at the next chunk.

        Raises:
            RefusalError: a tag has no end (`file.too_complex`).
        """
        text = self._carry + chunk
        last = text.rfind(b"<")
        open_tag = last >= 0 and text.find(b">", last) < 0
        text, self._carry = (text[:last], text[last:]) if open_tag else (text, b"")
        if len(self._carry) > _TAG_BYTES_MAX:
            raise RefusalError(
                "file.too_complex", "a tag of the sheet never ends; save the list again as xlsx"
            )
        if self._carry or text.strip():
            self._ends_well = not self._carry and text.rstrip().endswith(b">")
        self._see_cells(text)
        self._see_calls(text)
        if b"dimension" in text:
            for reference in _DIMENSION.findall(text):
                rows, columns = _corner(reference.decode(errors="replace"))
                self._dimension = (max(rows, self._dimension[0]), max(columns, self._dimension[1]))

    def _see_cells(self, text: bytes) -> None:
        if self._spelling is None:
            root = _ROOT.search(text)
            self._odd = root is None
            self._spelling = _Spelling.of(root[1] if root else b"")
        spelling = self._spelling
        self.formula_cells += len(spelling.formula.findall(text))
        if self._odd:
            return  # it will be parsed anyway
        references = spelling.reference.findall(text)
        joined = b" ".join(references)
        self._columns.update(joined.translate(None, _FIGURES).split())
        self._rows.update(joined.translate(None, _LETTERS).split())
        cells = len(references)
        self._odd = cells != len(spelling.cell.findall(text)) or spelling.is_mixed(
            text, cells=cells
        )

    def _see_calls(self, text: bytes) -> None:
        if b"|" not in text:
            return
        for formula in _DDE.findall(text):
            plain = _NAMES.sub(b"@", formula.replace(b"&apos;", b"'"))
            self.calls_programs |= bool(_DDE_CALL.search(plain))

    def finish(self, name: str, again: Callable[[], Iterable[bytes]]) -> None:
        """Judge the sheet that was seen to its end.

        Args:
            name: For people.
            again: Gives the part once more; called only when it has to be parsed.

        Raises:
            RefusalError: `xlsx.sheet_too_large`; `xlsx.corrupt` when it is cut off.
        """
        if not self._ends_well:
            raise corrupt(f"sheet {name!r} is cut off")
        # What a sheet says of itself includes formatting, so only what cannot be is refused.
        rows, columns = self._dimension
        if columns > EXCEL_COLUMNS_MAX or rows > ROWS_MAX or rows * columns > CELLS_MAX:
            raise too_large(name, rows=rows, columns=columns)
        rows = max(map(int, self._rows), default=0)
        columns = max((_number(letters.decode()) for letters in self._columns), default=0)
        if self._odd or not _fits(rows, columns):
            _used(name, again())


def check_extent(name: str, *, rows: int, columns: int) -> None:
    """Refuse a sheet whose last used cell is too far away.

    Args:
        name: Of the sheet, for people.
        rows: The last used row, from 1; 0 when none is used.
        columns: The last used column, from 1.

    Raises:
        RefusalError: `xlsx.sheet_too_large`.
    """
    if not _fits(rows, columns):
        raise too_large(name, rows=rows, columns=columns)


def too_large(name: str, *, rows: int, columns: int) -> RefusalError:
    """Return the refusal of a sheet that reaches to this row and column."""
    return RefusalError(
        "xlsx.sheet_too_large",
        f"sheet {name!r} reaches to row {rows} and column {columns}; at most {ROWS_MAX} rows, "
        f"{COLUMNS_MAX} columns and {CELLS_MAX} cells are taken: delete what is far from the "
        "list, or split it",
    )


def _fits(rows: int, columns: int) -> bool:
    return rows <= ROWS_MAX and columns <= COLUMNS_MAX and rows * columns <= CELLS_MAX


def _number(letters: str) -> int:
    """Return the column that `letters` name, A being 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _corner(reference: str) -> tuple[int, int]:
    """Return row and column, from 1, of the lower right corner of `A1:F97`; zeros for no range."""
    corners = [_cell(part) for part in reference.split(":")]
    return max(row for row, _ in corners), max(column for _, column in corners)


def _cell(reference: str) -> tuple[int, int]:
    found = _REFERENCE.fullmatch(reference.strip())
    return (int(found[2]), _number(found[1])) if found else (0, 0)


def _used(name: str, chunks: Iterable[bytes]) -> None:
    """Count the sheet cell by cell, up to the first used one that is too far away."""
    counter = _UsedCells(name)
    parse(chunks, started=counter.started)


class _UsedCells:
    """Follows cells as readers do: by their reference, or one after the other without it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = self._columns = 0
        self._row = self._column = 0

    def started(self, name: str, attributes: dict[str, str]) -> None:
        match local_name(name):
            case "row":
                number = attributes.get("r", "").strip()
                self._row = int(number) if number.isdecimal() else self._row + 1
                self._column = 0
            case "c":
                row, column = _cell(attributes.get("r", ""))
                self._row, self._column = row or self._row, column or self._column + 1
            case "extLst":  # formulas of charts and rules, which belong to no cell
                self._row = self._column = 0
            case "v" | "f" | "is":
                self._rows = max(self._rows, self._row)
                self._columns = max(self._columns, self._column)
                check_extent(self._name, rows=self._rows, columns=self._columns)
            case _:
                pass
