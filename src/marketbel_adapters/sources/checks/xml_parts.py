"""XML of strangers: no document types, no entities, whatever the encoding.

A workbook needs neither, and both are how a kilobyte becomes a gigabyte (billion laughs) or a
parser fetches a file of the server (XXE). Declarations are looked for in the raw bytes first,
which is quick; only where something is found, the part is parsed to see whether it is text.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from xml.parsers import expat

from marketbel_adapters.sources.checks.archives import corrupt
from marketbel_adapters.sources.checks.refusals import RefusalError

__all__ = ["DeclarationWatch", "as_utf8", "local_name", "parse"]

_DECLARATION: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_LONGEST: Final = len(b"<!DOCTYPE") - 1
_UTF16: Final = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\x00": "utf-16-le",
    b"\x00<": "utf-16-be",
}

type Attributes = dict[str, str]


class DeclarationWatch:
    """Notes whether declarations seem to be in the chunks of one part that it is shown."""

    def __init__(self) -> None:
        self.suspicious = False
        self._tail = b""

    def see(self, chunk: bytes) -> None:
        """Look at the next chunk, in UTF-8."""
        if _DECLARATION.search(self._tail + chunk[:_LONGEST]) or _DECLARATION.search(chunk):
            self.suspicious = True
        self._tail = chunk[-_LONGEST:]


def as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the part in UTF-8 if it begins as UTF-16, else as it is.

    Raises:
        RefusalError: it begins as UTF-16 and is not (`xlsx.corrupt`).
    """
    decoder: codecs.IncrementalDecoder | None = None
    begun = False
    try:
        for chunk in chunks:
            if not begun:
                begun = True
                encoding = _UTF16.get(chunk[:2])
                decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
            yield decoder.decode(chunk).encode() if decoder else chunk
        if decoder:
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise corrupt("a part is no text") from error


def parse(
    chunks: Iterable[bytes],
    *,
    started: Callable[[str, Attributes], None] | None = None,
    ended: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Parse a part and call back; a declaration ends it before anything is expanded.

    Raises:
        RefusalError: `xlsx.forbidden_xml`, or `xlsx.corrupt` when it is no XML.
    """
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _forbid
    parser.EntityDeclHandler = _forbid
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text
    parser.buffer_text = True
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise corrupt(f"a part is no XML: {error}") from error


def local_name(name: str) -> str:
    """Return an element's or attribute's name without its prefix."""
    return name.rpartition(":")[2]


def _forbid(*_: object) -> None:
    raise RefusalError(
        "xlsx.forbidden_xml",
        "the workbook declares a document type or entities, as attacks do and "
        "spreadsheet programs never; save the list again from a spreadsheet program",
    )
