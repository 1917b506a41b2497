"""The master sheet: which column says what, and what each row says of a supplier.

Columns are found by their headers: by a word that means the column, else by the likest spelling
(difflib, ratio of at least 0.6). A row that says nothing usable is skipped with its reason, and
the supplier that it names stays as it is.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final
from urllib.parse import urlsplit

from marketbel_core.catalog import SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.intake.grid import Cell, Grid
from marketbel_core.intake.text import cell_text

__all__ = [
    "DEFAULT_MASTER_SHEET_NAME",
    "MasterSheetRows",
    "SkippedRow",
    "SupplierRow",
    "folded_name",
    "read_master_sheet",
]

DEFAULT_MASTER_SHEET_NAME: Final = "Suppliers"
"""The sheet that is read when nobody has named one; where there is none, the first one."""

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": (
        *("supplier name", "name", "supplier", "company", "vendor"),
        *("поставщик", "наименование", "название", "имя поставщика", "компания"),
    ),
    "location": (
        *("source url", "url", "source", "link", "sheet url"),
        *("ссылка", "адрес", "источник", "ссылка на прайс"),
    ),
    "format": (
        *("format", "type", "source type", "file type"),
        *("формат", "тип", "тип файла"),
    ),
    "active": ("active", "is active", "enabled", "status", "активен", "активный", "статус"),
    "notes": (
        *("notes", "note", "comments", "description", "memo"),
        *("примечание", "примечания", "комментарий", "заметки"),
    ),
}
_REQUIRED: Final = {"name": "Supplier Name", "location": "Source URL", "format": "Format"}
_LIKENESS_MIN: Final = 0.6
_OPPOSITES: Final = frozenset(
    {"inactive", "is inactive", "archive", "archived", "disabled", "deactivated", "неактивен"}
)
"""Like `active` to the letter, and the contrary of it."""

_FORMATS: Final[Mapping[str, SourceType]] = {
    **dict.fromkeys(
        (
            *("google sheets", "google sheet", "googlesheets", "gsheet", "gsheets"),
            *("google таблица", "google таблицы", "гугл таблица", "гугл таблицы"),
        ),
        SourceType.GOOGLE_SHEETS,
    ),
    **dict.fromkeys(("excel", "xlsx", "xls", "эксель"), SourceType.EXCEL),
    **dict.fromkeys(("csv", "pdf"), SourceType.CSV),  # the table has no value for pdf
}
_ACTIVE_WORDS: Final = frozenset(
    {"true", "yes", "1", "active", "да", "истина", "активен", "активный", "вкл", "+"}
)
_COLUMNS_MAX: Final = 200
_HEADER_ROWS_MAX: Final = 10
"""Rows with text in them, from the top, among which the header is looked for."""
_NAME_LENGTH_MAX: Final = 255
_NOTES_LENGTH_MAX: Final = 1_000
_LOCATION_LENGTH_MAX: Final = 2_048
_ROW_LENGTH_SHOWN_MAX: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierRow:
    """What the master sheet says of one supplier.

    Attributes:
        row_number: Of the sheet, from 1.
        name: 1 to 255 characters.
        location: An http(s) address.
        has_notes: Whether the sheet has a column of notes at all.
        notes: At most 1,000 characters; `None` when the cell is blank.
    """

    row_number: int
    name: str
    source_type: SourceType
    location: str
    is_active: bool = True
    has_notes: bool = True
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRow:
    """A row that cannot be used.

    Attributes:
        row_number: Of the sheet, from 1.
        name: The supplier's, as far as it can be read.
        code: `sheet.no_name`, `sheet.name_too_long`, `sheet.no_source`, `sheet.bad_source`,
            `sheet.no_format`, `sheet.bad_format` or `sheet.duplicate`.
    """

    row_number: int
    name: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterSheetRows:
    """A master sheet as it was read: each supplier once, in the order of the sheet."""

    rows: tuple[SupplierRow, ...]
    skipped: tuple[SkippedRow, ...] = ()


def read_master_sheet(grid: Grid) -> MasterSheetRows:
    """Return what the sheet says. Its header is the first of its upper rows that has every needed
    column: above it there may be a title, or a word of what the sheet is for.

    Raises:
        RefusedError: a column is missing that every master sheet has (`sheet.columns`).
    """
    rows = ((number, _texts(row)) for number, row in enumerate(grid.rows, start=1))
    filled = ((number, texts) for number, texts in rows if any(texts))
    likest: tuple[str, ...] = ()
    lacking = list(_REQUIRED.values())
    for _, texts in itertools.islice(filled, _HEADER_ROWS_MAX):
        columns = _columns(texts[:_COLUMNS_MAX])
        missing = [title for role, title in _REQUIRED.items() if role not in columns]
        if not missing:
            return _read(filled, columns)
        if len(missing) < len(lacking) or not likest:
            likest, lacking = texts, missing
    shown = ", ".join(repr(text) for text in likest if text) or "nothing"
    raise RefusedError(
        "sheet.columns",
        f"the master sheet lacks the columns {', '.join(lacking)}; the row that is most like a "
        f"header has {shown}",
    )


def folded_name(name: str) -> str:
    """Return the name as suppliers are told apart by: case and outer blanks aside."""
    return name.strip().lower()


def _texts(row: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(cell_text(cell) for cell in row)


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Return the column of each role that has one: exact words first, then the likest ones."""
    words = [" ".join(text.casefold().replace("_", " ").split()) for text in header]
    columns: dict[str, int] = {}
    for role, aliases in _ALIASES.items():
        found = next((words.index(alias) for alias in aliases if alias in words), None)
        if found is not None and found not in columns.values():
            columns[role] = found
    for _, role, column in sorted(_likenesses(words), key=lambda like: (-like[0], like[2])):
        if role not in columns and column not in columns.values():
            columns[role] = column
    return columns


def _likenesses(words: Sequence[str]) -> Iterator[tuple[float, str, int]]:
    for column, word in enumerate(words):
        if not word or word in _OPPOSITES:
            continue
        for role, aliases in _ALIASES.items():
            ratio = max(SequenceMatcher(None, word, alias).ratio() for alias in aliases)
            if ratio >= _LIKENESS_MIN:
                yield ratio, role, column


def _read(rows: Iterator[tuple[int, tuple[str, ...]]], columns: dict[str, int]) -> MasterSheetRows:
    kept: dict[str, SupplierRow] = {}
    skipped: list[SkippedRow] = []
    for number, texts in rows:
        said = {
            role: texts[column] if column < len(texts) else "" for role, column in columns.items()
        }
        row = _row(number, said)
        if isinstance(row, SupplierRow) and folded_name(row.name) in kept:
            row = SkippedRow(
                row_number=number,
                name=row.name,
                code="sheet.duplicate",
                message=f"{row.name!r} stands in row {kept[folded_name(row.name)].row_number} "
                "already: the first one counts",
            )
        if isinstance(row, SupplierRow):
            kept[folded_name(row.name)] = row
        else:
            skipped.append(row)
    return MasterSheetRows(rows=tuple(kept.values()), skipped=tuple(skipped))


def _row(number: int, said: Mapping[str, str]) -> SupplierRow | SkippedRow:
    name = said["name"]
    fault = _name_fault(name) or _location_fault(said["location"]) or _format_fault(said["format"])
    if fault is not None:
        code, message = fault
        return SkippedRow(
            row_number=number, name=name[:_NAME_LENGTH_MAX] or None, code=code, message=message
        )
    active = said.get("active", "")
    return SupplierRow(
        row_number=number,
        name=name,
        source_type=_FORMATS[_format_word(said["format"])],
        location=said["location"],
        is_active=not active or active.casefold() in _ACTIVE_WORDS,
        has_notes="notes" in said,
        notes=said.get("notes", "")[:_NOTES_LENGTH_MAX] or None,
    )


def _name_fault(name: str) -> tuple[str, str] | None:
    if not name:
        return "sheet.no_name", "the supplier's name is missing"
    if len(name) > _NAME_LENGTH_MAX:
        return "sheet.name_too_long", f"the name is longer than {_NAME_LENGTH_MAX} characters"
    return None


def _location_fault(location: str) -> tuple[str, str] | None:
    # The address itself is not repeated: it may hold a secret.
    if not location:
        return "sheet.no_source", "the address of the price list is missing"
    try:
        parts = urlsplit(location)
        usable = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or len(location) > _LOCATION_LENGTH_MAX or " " in location:
        return "sheet.bad_source", "the address of the price list is no http(s) address"
    return None


def _format_word(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split()).lstrip(".")


def _format_fault(text: str) -> tuple[str, str] | None:
    if not text:
        return "sheet.no_format", "the format is missing: google_sheets, excel, csv or pdf"
    if _format_word(text) not in _FORMATS:
        shown = text[:_ROW_LENGTH_SHOWN_MAX]
        return "sheet.bad_format", f"no format is called {shown!r}: google_sheets, excel, csv, pdf"
    return None
