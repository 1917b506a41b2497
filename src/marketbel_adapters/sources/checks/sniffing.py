"""What bytes are, told by how they begin; names and announced types are never asked.

Signatures are those of the formats' own specifications. `sniffed` looks at the first bytes only;
what a zip archive or an OLE container holds is for those who open it.
"""

import codecs
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["HEAD_BYTES", "Form", "Sniffed", "is_blank", "sniffed"]

HEAD_BYTES: Final = 4_096
"""How many bytes from the beginning `sniffed` wants; fewer is fine when there are no more."""

_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS: Final = b" \t\r\n\x0b\x0c"


class Form(StrEnum):
    """The outer form of a file."""

    ZIP = "zip"  # xlsx, ods, docx, or any archive
    OLE = "ole"  # xls, doc, msi, or an encrypted xlsx
    BIFF = "biff"  # xls as Excel 2 to 4 wrote it, without a container
    PDF = "pdf"
    MARKUP = "markup"  # a web page, JSON or XML: text, but never a table
    FORBIDDEN = "forbidden"  # a program, an archive, an image: nothing that lists prices
    TEXT = "text"  # whatever may be delimited text
    BINARY = "binary"  # bytes that nobody knows


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the first bytes say.

    Attributes:
        form: The outer form.
        name: What people call it, with its article: "a RAR archive".
    """

    form: Form
    name: str


_BINARIES: Final = (
    (b"PK\x03\x04", Sniffed(Form.ZIP, "a zip archive")),
    (b"PK\x05\x06", Sniffed(Form.ZIP, "an empty zip archive")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Sniffed(Form.OLE, "an OLE container")),
    (b"\x09\x00\x04\x00", Sniffed(Form.BIFF, "an Excel 2 sheet")),
    (b"\x09\x02\x06\x00", Sniffed(Form.BIFF, "an Excel 3 sheet")),
    (b"\x09\x04\x06\x00", Sniffed(Form.BIFF, "an Excel 4 sheet")),
    *(
        (magic, Sniffed(Form.FORBIDDEN, name))
        for magic, name in (
            (b"\x7fELF", "a program (ELF)"),
            (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
            (b"\xca\xfe\xba\xbe", "a program (Mach-O or Java)"),
            (b"Rar!\x1a\x07", "a RAR archive"),
            (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
            (b"\x1f\x8b", "a gzip archive"),
            (b"BZh", "a bzip2 archive"),
            (b"\xfd7zXZ\x00", "an xz archive"),
            (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
            (b"MSCF\x00\x00\x00\x00", "a cabinet archive"),
            (b"\x89PNG\r\n\x1a\n", "a PNG image"),
            (b"\xff\xd8\xff", "a JPEG image"),
            (b"GIF87a", "a GIF image"),
            (b"GIF89a", "a GIF image"),
            (b"II*\x00", "a TIFF image"),
            (b"MM\x00*", "a TIFF image"),
            (b"8BPS\x00", "a Photoshop image"),
            (b"SQLite format 3\x00", "an SQLite database"),
            (b"#!", "a script"),
            (b"<?php", "a script"),
            (b"@echo off", "a script"),
        )
    ),
)
_WITH_NULS: Final = ((b"MZ", "a program (exe)"), (b"BM", "a BMP image"), (b"RIFF", "a medium"))
"""Short words that a csv may begin with, too: they count only where a NUL follows."""

_FURTHER_IN: Final = (
    (slice(257, 262), b"ustar", "a tar archive"),
    (slice(4, 8), b"ftyp", "a picture or a film"),
)
_PDF_HEAD_BYTES: Final = 1_024
"""Readers accept a PDF whose mark stands anywhere within these (ISO 32000-1, H.3.4.1)."""

_PAGE: Final = re.compile(
    r"<(!doctype|html|head|body|table|script|style|meta|title|div)\b", re.IGNORECASE
)
_XML: Final = re.compile(r"<(\?xml|svg|!--|workbook|\w+\s+xmlns)\b|<!--", re.IGNORECASE)
_JSON: Final = re.compile(r'\{\s*["}]|\[\s*[\[{\]]')
_RTF: Final = r"{\rtf"


def sniffed(head: bytes) -> Sniffed:
    """Return the form of a file that begins with `head`."""
    for magic, found in _BINARIES:
        if head.startswith(magic):
            return found
    if b"%PDF-" in head[:_PDF_HEAD_BYTES]:
        return Sniffed(Form.PDF, "a PDF")
    for place, magic, name in _FURTHER_IN:
        if head[place] == magic:
            return Sniffed(Form.FORBIDDEN, name)
    if b"\x00" in head and not head.startswith(_UTF16_MARKS):
        return _sniffed_binary(head)
    return _sniffed_text(_text_of(head))


def _sniffed_binary(head: bytes) -> Sniffed:
    for magic, name in _WITH_NULS:
        if head.startswith(magic):
            return Sniffed(Form.FORBIDDEN, name)
    return Sniffed(Form.BINARY, "no format that is known here")


def _sniffed_text(text: str) -> Sniffed:
    if _PAGE.match(text):
        return Sniffed(Form.MARKUP, "HTML")
    if _XML.match(text):
        return Sniffed(Form.MARKUP, "HTML" if "<html" in text.lower() else "XML")
    if _JSON.match(text):
        return Sniffed(Form.MARKUP, "JSON")
    if text.startswith(_RTF):
        return Sniffed(Form.MARKUP, "RTF")
    return Sniffed(Form.TEXT, "text")


def _text_of(head: bytes) -> str:
    """Return the beginning as text, good enough to know markup by; blanks before it are gone."""
    encoding = "utf-16" if head.startswith(_UTF16_MARKS) else "utf-8-sig"
    return head.decode(encoding, errors="ignore").lstrip()


def is_blank(chunk: bytes) -> bool:
    """Return whether there is nothing but blanks, line ends and byte order marks in `chunk`.

    In UTF-16 the halves of blanks are NULs; they count as blanks where a mark stands first.
    """
    if chunk.startswith(_UTF16_MARKS):
        return not chunk[2:].strip(_BLANKS + b"\x00")
    return not chunk.removeprefix(codecs.BOM_UTF8).strip(_BLANKS)
