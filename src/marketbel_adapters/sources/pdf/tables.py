"""A PDF as tables: parts of one structure on many pages are one, texts between them are rows."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.pdf.aligned import aligned_rows, columns_between
from marketbel_adapters.sources.pdf.pages import RuledTable, TextPage, pages_of
from marketbel_adapters.sources.pdf.runs import Run

__all__ = ["PdfTable", "read_tables", "tables_of"]

_NAME: Final = "pdf table"
_MARGIN: Final = 0.12
"""The share of a page, above and below, in which headings and page numbers are repeated."""

_DIGITS: Final = re.compile(r"\d+")
_COLUMNS_MIN: Final = 2


@dataclass(frozen=True, slots=True)
class PdfTable:
    """All rows of one structure: `pdf table` is the longest, others are numbered from 2."""

    name: str
    rows: list[list[str]]


def read_tables(file: BinaryIO) -> list[PdfTable]:
    """Return the tables of a PDF, in the order in which they begin.

    Raises:
        RefusalError: `pdf.corrupt`, `pdf.encrypted`, `pdf.too_large`, `pdf.no_text`.
    """
    tables = tables_of(list(pages_of(file)))
    if not tables:
        raise RefusalError(
            "pdf.no_text",
            "the PDF has no text in it, only pictures of text; send the list as xlsx or csv, or a "
            "PDF that was saved by a program and not scanned",
        )
    return tables


def tables_of(pages: Sequence[TextPage]) -> list[PdfTable]:
    pages = _without_furniture(pages)
    bare = [line for page in pages if not page.tables for line in page.lines]
    columns = columns_between(bare)
    structures: dict[int, list[list[str]]] = {}
    width = _first_width(pages, columns)
    for page in pages:
        for part in _parts(page, columns):
            if isinstance(part, RuledTable):
                width = len(part.rows[0])
                structures.setdefault(width, []).extend(part.rows)
            else:
                structures.setdefault(width, []).extend(part)
        if not page.tables and len(columns) >= _COLUMNS_MIN:
            width = len(columns)
    return _named(list(structures.values()))


def _named(structures: Sequence[list[list[str]]]) -> list[PdfTable]:
    by_length = sorted(structures, key=len, reverse=True)
    names = {id(rows): f"{_NAME} {n}" if n > 1 else _NAME for n, rows in enumerate(by_length, 1)}
    return [PdfTable(names[id(rows)], rows) for rows in structures]


def _first_width(pages: Sequence[TextPage], columns: Sequence[tuple[int, int]]) -> int:
    """Return how wide the first table is: what stands above it belongs to it."""
    for page in pages:
        if page.tables:
            return len(page.tables[0].rows[0])
        if page.lines and len(columns) >= _COLUMNS_MIN:
            return len(columns)
    return 1


def _parts(
    page: TextPage, columns: Sequence[tuple[int, int]]
) -> Iterator[RuledTable | list[list[str]]]:
    """Yield what stands on the page from the top: tables, and rows of the text between them."""
    if not page.tables:
        if page.lines and len(columns) >= _COLUMNS_MIN:
            yield aligned_rows(page.lines, columns)
        elif page.lines:
            yield [_title(line) for line in page.lines]
        return
    waiting = list(page.lines)
    for table in page.tables:
        above = [line for line in waiting if line[0].middle <= table.top]
        waiting = waiting[len(above) :]
        yield [_title(line) for line in above]
        yield table
    yield [_title(line) for line in waiting]


def _title(line: Sequence[Run]) -> list[str]:
    return [" ".join(run.text for run in line)]


def _without_furniture(pages: Sequence[TextPage]) -> list[TextPage]:
    """Return the pages without what is repeated on most of them, but for its first time."""
    counts = Counter(mark for page in pages for mark in {*_marks(page)})
    repeated = {mark for mark, count in counts.items() if count > 1 and count * 2 > len(pages)}
    seen: set[str] = set()
    cleaned: list[TextPage] = []
    for page in pages:
        lines = []
        for line, mark in zip(page.lines, _marks(page), strict=True):
            if mark not in repeated or mark not in seen:
                lines.append(line)
            seen.add(mark)
        cleaned.append(TextPage(page.height, page.tables, lines))
    return cleaned


def _marks(page: TextPage) -> Iterator[str]:
    """Yield by what each line is known again: its text at its height, whatever its figures."""
    for number, line in enumerate(page.lines):
        place = line[0].middle / page.height
        text = _DIGITS.sub("#", _title(line)[0])
        is_marginal = place < _MARGIN or place > 1 - _MARGIN
        yield f"{place:.2f} {text}" if is_marginal else f"line {number} of {id(page)}"
