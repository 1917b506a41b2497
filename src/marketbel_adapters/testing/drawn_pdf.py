"""PDFs with text and lines on them, written by hand: what tests of readers need, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketbel_adapters.testing.containers import a_pdf_stream

__all__ = ["Page", "a_drawn_pdf"]

_HEIGHT = 842
_FONT_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is drawn on a page of A4, in points from its upper left corner.

    Attributes:
        texts: Left, baseline and text; Latin letters only. Each is drawn in one go, in order.
        lines: Left, top, right and bottom of straight lines.
    """

    texts: Sequence[tuple[float, float, str]] = ()
    lines: Sequence[tuple[float, float, float, float]] = ()

    def stream(self) -> bytes:
        """Return the page's content as a stream object."""
        drawn = [
            f"{x0} {_HEIGHT - top} m {x1} {_HEIGHT - bottom} l S"
            for x0, top, x1, bottom in self.lines
        ]
        drawn += [
            f"BT /F {_FONT_SIZE} Tf {x} {_HEIGHT - base} Td ({_escaped(text)}) Tj ET"
            for x, base, text in self.texts
        ]
        return a_pdf_stream("\n".join(drawn).encode("latin-1"))


def a_drawn_pdf(pages: Sequence[Page]) -> bytes:
    """Return a PDF with these pages, its font Helvetica."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * n) for n in range(len(pages)))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for number, page in enumerate(pages):
        bodies.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 %d]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>>>" % (_HEIGHT, first + 2 * number + 1)
        )
        bodies.append(page.stream())
    content, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    at = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1) + table
    content += b"trailer<</Size %d/Root 1 0 R>>\n" % (len(bodies) + 1)
    return content + b"startxref\n%d\n%%%%EOF\n" % at


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
