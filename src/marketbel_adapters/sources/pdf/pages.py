"""The pages of a PDF, one at a time: drawn tables, and the lines of text beside them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from marketbel_adapters.sources.checks.limits import PDF_PAGES_MAX
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.pdf.ruled import Box, is_table, ruled_rows
from marketbel_adapters.sources.pdf.runs import Run, lines_of, runs_of, segments_of

if TYPE_CHECKING:
    from pdfplumber.page import Page as PlumbedPage

__all__ = ["RuledTable", "TextPage", "pages_of"]

_OBJECTS_MAX: Final = 200_000
"""Characters, lines and boxes of a page; a page full of small print has ten thousand."""

_EDGES_MAX: Final = 10_000
"""Looking for tables takes the square of them; above it the page is a drawing."""


@dataclass(frozen=True, slots=True)
class RuledTable:
    """A drawn table, or its part on one page.

    Attributes:
        top: In points from the upper edge of the page.
        rows: Each as long as the table is wide.
    """

    top: float
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class TextPage:
    """What stands on a page.

    Attributes:
        height: In points.
        tables: From the top.
        lines: The lines outside the tables, from the top, cut into segments.
    """

    height: float
    tables: list[RuledTable]
    lines: list[list[Run]]


def pages_of(file: BinaryIO) -> Iterator[TextPage]:
    """Yield the pages of the PDF; only one is held at a time.

    Raises:
        RefusalError: `pdf.corrupt`, `pdf.encrypted`, `pdf.too_large`.
    """
    from pdfplumber import open as open_pdf  # noqa: PLC0415 - only what needs it has to have it

    with _refused():
        document = open_pdf(file)  # type: ignore[arg-type]  # any file that can be moved about in
        if len(document.pages) > PDF_PAGES_MAX:
            raise _too_large(f"it has more than {PDF_PAGES_MAX} pages")
        pages = document.pages
    for page in pages:
        with _refused():
            read = _read(page)
            page.close()
        yield read


@contextmanager
def _refused() -> Iterator[None]:
    """Raise a refusal for what the parser raises when a PDF is damaged or locked."""
    from pdfminer.pdfdocument import PDFPasswordIncorrect  # noqa: PLC0415
    from pdfminer.pdfexceptions import PDFException  # noqa: PLC0415
    from pdfminer.psexceptions import PSException  # noqa: PLC0415
    from pdfplumber.utils.exceptions import PdfminerException  # noqa: PLC0415

    try:
        yield
    except (PdfminerException, PDFException, PSException) as error:
        cause = error.args[0] if error.args else None
        if isinstance(error, PDFPasswordIncorrect) or isinstance(cause, PDFPasswordIncorrect):
            raise RefusalError(
                "pdf.encrypted", "the PDF is protected by a password; send it without"
            ) from error
        raise RefusalError(
            "pdf.corrupt",
            "the PDF is damaged: it cannot be opened; save it again and send it anew, whole",
        ) from error


def _read(page: "PlumbedPage") -> TextPage:
    objects = sum(len(kept) for kept in page.objects.values())
    if objects > _OBJECTS_MAX:
        raise _too_large(f"page {page.page_number} holds {objects} characters and lines")
    runs = runs_of(page.chars)
    found = page.find_tables() if len(page.edges) <= _EDGES_MAX else []
    ruled = [table for table in found if is_table(table.cells)]
    inside: list[list[Run]] = [[] for _ in ruled]
    outside: list[Run] = []
    for run in runs:
        place = next((n for n, table in enumerate(ruled) if _is_in(run, table.bbox)), None)
        if place is None:
            outside.extend(segments_of(run))
        else:
            inside[place].append(run)
    tables = [
        RuledTable(float(table.bbox[1]), ruled_rows(table.cells, texts))
        for table, texts in zip(ruled, inside, strict=True)
    ]
    return TextPage(float(page.height), _from_top(tables), lines_of(outside))


def _is_in(run: Run, box: Box) -> bool:
    x0, top, x1, bottom = box
    return x0 - 1 <= run.x0 <= x1 and top <= run.middle <= bottom


def _from_top(tables: Sequence[RuledTable]) -> list[RuledTable]:
    return sorted((table for table in tables if table.rows), key=lambda table: table.top)


def _too_large(why: str) -> RefusalError:
    return RefusalError(
        "pdf.too_large", f"the PDF is too large: {why}; split it, or send the list as xlsx"
    )
