"""Files that no courier may hand on, each with the code that it is refused with.

The ids are those of the table of refusals: F files, X archives and workbooks, C csv, P PDF.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from marketbel_adapters.testing.containers import (
    a_pdf,
    a_pdf_stream,
    a_workbook,
    an_ole_file,
    biff,
    sheet_xml,
    zipped,
)
from marketbel_adapters.testing.spoilt_archives import (
    damaged,
    inside,
    linked,
    lying,
    overlapping,
    relabelled,
    twin_directories,
)

__all__ = ["HARMFUL", "Harmful"]

_MEBIBYTE: Final = 1_048_576
_ZIP64_EXTRA: Final = struct.pack("<HHQ", 1, 8, 1 << 40)


@dataclass(frozen=True, slots=True)
class Harmful:
    """One file.

    Attributes:
        id: Its row of the table, and what is wrong with it.
        filename: What its sender calls it.
        code: What it is refused with.
        build: Gives its bytes; some are tens of megabytes.
        sheet_name: The sheet that is asked for.
    """

    id: str
    filename: str
    code: str
    build: Callable[[], bytes]
    sheet_name: str | None = None


def _archive(*names: str) -> bytes:
    return zipped([(name, b"<x/>") for name in names])


def _cell(reference: str) -> bytes:
    return a_workbook(sheet=sheet_xml(f'<row><c r="{reference}"><v>1</v></c></row>'))


def _row(cells: str) -> bytes:
    return a_workbook(sheet=sheet_xml(f"<row>{cells}</row>"))


def _macros(part: str) -> bytes:
    return a_workbook({part: b"x"})


def _formula(text: str) -> bytes:
    return a_workbook(sheet=sheet_xml(f'<row><c r="A1"><f>{text}</f><v>1</v></c></row>'))


def _declared(declaration: str) -> bytes:
    return a_workbook(sheet=sheet_xml(before=declaration))


_LAUGHS: Final = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
_XXE: Final = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'
_WIDE: Final = "".join(f'<c r="{letters}1"><v>1</v></c>' for letters in ("A", "ALM"))
_QUOTED: Final = """<c a=' r="A1"' r='XFE1'><v>1</v></c>"""
_PREFIXED: Final = '<x:c xmlns:x="m" r="XFE1"><x:v>1</x:v></x:c>'
_NO_SHEETS: Final = b"<workbook><sheets/></workbook>"
_LINK: Final = "xl/externalLinks/externalLink1.xml"
_BOMB_ROWS: Final = "<row/>" * 11 * _MEBIBYTE

HARMFUL: Final = tuple(
    Harmful(*row)
    for row in (
        ("F1 nothing", "a.csv", "file.empty", lambda: b""),
        ("F1 a mark", "a.csv", "file.empty", lambda: b"\xef\xbb\xbf"),
        ("F1 blank lines", "a.xlsx", "file.empty", lambda: b" \r\n\t\r\n" * 9_000),
        ("F1 wide blanks", "a.csv", "file.empty", lambda: "\ufeff \r\n".encode("utf-16-le")),
        ("F2 HTML", "a.xlsx", "file.type_mismatch", lambda: b"\n<!DOCTYPE html><p>Sign in"),
        ("F2 HTML called csv", "a.csv", "file.type_mismatch", lambda: b"<html><body>1;2</body>"),
        ("F2 JSON", "a.xlsx", "file.type_mismatch", lambda: b'{"error": "denied"}'),
        ("F2 text", "a.xlsx", "file.type_mismatch", "Название;Цена\nЧай;1\n".encode),
        ("F3 exe", "a.xlsx", "file.type_not_allowed", lambda: b"MZ\x90\x00" + bytes(99)),
        ("F3 ELF", "a.csv", "file.type_not_allowed", lambda: b"\x7fELF" + bytes(99)),
        ("F3 script", "a.csv", "file.type_not_allowed", lambda: b"#!/bin/sh\nrm;1\n"),
        ("F3 rar", "a.xlsx", "file.type_not_allowed", lambda: b"Rar!\x1a\x07\x00" + bytes(99)),
        ("F3 7z", "a.7z", "file.type_not_allowed", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99)),
        ("F3 gz", "a.csv.gz", "file.type_not_allowed", lambda: b"\x1f\x8b\x08" + bytes(99)),
        ("F3 tar", "a.xls", "file.type_not_allowed", lambda: bytes(257) + b"ustar\x0000"),
        ("F3 image", "a.pdf", "file.type_not_allowed", lambda: b"\x89PNG\r\n\x1a\n" + bytes(99)),
        ("F3 zip", "a.zip", "file.type_not_allowed", lambda: _archive("list.csv")),
        ("F4 docx", "a.xlsx", "file.type_mismatch", lambda: _archive("word/document.xml")),
        ("F4 pptx", "a.xlsx", "file.type_mismatch", lambda: _archive("ppt/presentation.xml")),
        ("F4 zip", "a.xlsx", "file.type_mismatch", lambda: _archive("list.csv")),
        ("F4 bytes", "a.xlsx", "file.type_mismatch", lambda: bytes(range(256))),
        ("F4 PDF", "a.xlsx", "file.type_mismatch", a_pdf),
        (
            "F5 encrypted xlsx", "a.xlsx", "file.encrypted",
            lambda: an_ole_file({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}),
        ),
        (
            "F5 encrypted xls", "a.xls", "file.encrypted",
            lambda: an_ole_file({"Workbook": biff((0x002F, bytes(6)))}),
        ),
        (
            "F5 doc", "a.xls", "file.type_mismatch",
            lambda: an_ole_file({"WordDocument": b"x"}),
        ),
        (
            "F5 no container", "a.xls", "file.type_mismatch",
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999),
        ),
        ("F6 macros", "a.xlsm", "xlsx.macros", lambda: _macros("xl/vbaProject.bin")),
        ("F6 links", "a.xlsx", "xlsx.macros", lambda: _macros(_LINK)),
        ("F6 DDE", "a.xlsx", "xlsx.macros", lambda: _formula("cmd|'/C calc'!A0")),
        (
            "F6 xls macros", "a.xls", "xlsx.macros",
            lambda: an_ole_file({"Workbook": biff(), "_VBA_PROJECT_CUR": b"x"}),
        ),
        (
            "F6 xls links", "a.xls", "xlsx.macros",
            lambda: an_ole_file({"Workbook": biff((0x01AE, b"\x01\x00\x05\x00\x00a.xls"))}),
        ),
        ("X1 ratio", "a.xlsx", "xlsx.bomb", lambda: a_workbook(sheet=sheet_xml(_BOMB_ROWS))),
        (
            "X1 size", "a.xlsx", "xlsx.bomb",
            lambda: lying(a_workbook(), size=501 * _MEBIBYTE),
        ),
        ("X2 grows", "a.xlsx", "xlsx.bomb", lambda: lying(a_workbook(), size=9)),
        ("X2 shrinks", "a.xlsx", "xlsx.bomb", lambda: lying(a_workbook(), size=9_999)),
        (
            "X2 directory only", "a.xlsx", "xlsx.bomb",
            lambda: relabelled(
                a_workbook(), "xl/workbook.xml", at=24, field=struct.pack("<I", 9)
            ),
        ),
        ("X3 shared", "a.xlsx", "xlsx.malformed_zip", overlapping),
        ("X3 overlap", "a.xlsx", "xlsx.malformed_zip", inside),
        (
            "X3 doubled", "a.xlsx", "xlsx.malformed_zip",
            lambda: a_workbook({"xl/Workbook.xml": b"<x/>"}),
        ),
        (
            "X3 parts", "a.xlsx", "xlsx.malformed_zip",
            lambda: a_workbook({f"xl/{number}.xml": b"" for number in range(2_001)}),
        ),
        (
            "X3 nested", "a.xlsx", "xlsx.malformed_zip",
            lambda: a_workbook({"xl/embeddings/a.xlsx": a_workbook()}),
        ),
        ("X3 ZIP64 twins", "a.xlsx", "xlsx.malformed_zip", twin_directories),
        (
            "X3 ZIP64 size", "a.xlsx", "xlsx.malformed_zip",
            lambda: relabelled(
                a_workbook(), "xl/workbook.xml",
                at=24, field=b"\xff" * 4, extra=_ZIP64_EXTRA,
            ),
        ),
        ("X4 up", "a.xlsx", "xlsx.malformed_zip", lambda: a_workbook({"xl/../../b.xml": b""})),
        ("X4 absolute", "a.xlsx", "xlsx.malformed_zip", lambda: a_workbook({"/etc/cron": b""})),
        ("X4 drive", "a.xlsx", "xlsx.malformed_zip", lambda: a_workbook({"C:\\a.xml": b""})),
        ("X4 link", "a.xlsx", "xlsx.malformed_zip", linked),
        ("X5 laughs", "a.xlsx", "xlsx.forbidden_xml", lambda: _declared(_LAUGHS)),
        ("X5 XXE", "a.xlsx", "xlsx.forbidden_xml", lambda: _declared(_XXE)),
        (
            "X5 strings", "a.xlsx", "xlsx.forbidden_xml",
            lambda: a_workbook({"xl/sharedStrings.xml": f"{_LAUGHS}<sst>&b;</sst>".encode()}),
        ),
        (
            "X5 wide", "a.xlsx", "xlsx.forbidden_xml",
            lambda: a_workbook({"docProps/core.xml": f"{_LAUGHS}<x/>".encode("utf-16")}),
        ),
        ("X6 quotes", "a.xlsx", "xlsx.sheet_too_large", lambda: _row(_QUOTED)),
        ("X6 prefixes", "a.xlsx", "xlsx.sheet_too_large", lambda: _row(_PREFIXED)),
        ("X6 far corner", "a.xlsx", "xlsx.sheet_too_large", lambda: _cell("XFD1048576")),
        ("X6 no column", "a.xlsx", "xlsx.sheet_too_large", lambda: _cell("XFE1")),
        ("X6 no row", "a.xlsx", "xlsx.sheet_too_large", lambda: _cell("A1048577")),
        ("X6 spelling", "a.xlsx", "xlsx.sheet_too_large", lambda: _cell("&#88;FD1048576")),
        (
            "X6 columns", "a.xlsx", "xlsx.sheet_too_large",
            lambda: _row(_WIDE),
        ),
        (
            "X6 cells", "a.xlsx", "xlsx.sheet_too_large",
            lambda: _cell("ALL20001"),
        ),
        (
            "X6 dimension", "a.xlsx", "xlsx.sheet_too_large",
            lambda: a_workbook(sheet=sheet_xml(dimension="A1:XFD1048576")),
        ),
        ("X7 cut", "a.xlsx", "xlsx.corrupt", lambda: a_workbook(sheet=None)[:-99]),
        ("X7 checksum", "a.xlsx", "xlsx.corrupt", damaged),
        (
            "X7 no book", "a.xlsx", "xlsx.corrupt",
            lambda: a_workbook(without=["xl/workbook.xml"]),
        ),
        (
            "X7 no sheets", "a.xlsx", "xlsx.corrupt",
            lambda: a_workbook({"xl/workbook.xml": _NO_SHEETS}),
        ),
        (
            "X7 no part", "a.xlsx", "xlsx.corrupt",
            lambda: a_workbook(without=["xl/worksheets/sheet1.xml"]),
        ),
        ("X7 no XML", "a.xlsx", "xlsx.corrupt", lambda: a_workbook(sheet=b"\x00\x01")),
        ("X7 no such sheet", "a.xlsx", "xlsx.sheet_missing", a_workbook, "Цены"),
        ("C1 NUL", "a.csv", "csv.encoding", lambda: b"name;price\nTea\x00;1\n"),
        (
            "C1 damaged", "a.csv", "csv.encoding",
            lambda: "Название;Цена\nЧай чёрный;1\n".encode() + b"\xd0;2\n",
        ),
        ("C1 wide", "a.csv", "csv.encoding", lambda: "name;price\n".encode("utf-32-le")),
        (
            "C2 field", "a.csv", "csv.field_too_large",
            lambda: b"name;price\n" + b"x" * (_MEBIBYTE + 1) + b";1\n",
        ),
        ("C2 quote", "a.csv", "csv.unclosed_quote", lambda: b'name;price\n"Tea;1\nOil;2\n'),
        (
            "C2 long quote", "a.csv", "csv.unclosed_quote",
            lambda: b'name;price\n"Tea;1\n' + b"Oil;2\n" * 200_000,
        ),
        ("C3 rows", "a.csv", "csv.too_many_rows", lambda: b"a;1\n" * 2_000_001),
        ("C3 columns", "a.csv", "csv.too_many_rows", lambda: b"a;1\n" + b";" * 1_000 + b"\n"),
        ("C4 no delimiter", "a.csv", "csv.header", lambda: b"Dear all\nthe list follows\n"),
        ("P1 no PDF", "a.pdf", "pdf.corrupt", lambda: b"a list of prices\n"),
        ("P1 cut", "a.pdf", "pdf.corrupt", lambda: a_pdf(cut=9)),
        ("P1 no pages", "a.pdf", "pdf.corrupt", lambda: a_pdf(pages=0)),
        ("P1 nothing in it", "a.pdf", "pdf.corrupt", lambda: b"%PDF-1.7\n%%EOF\n"),
        (
            "P1 encrypted", "a.pdf", "pdf.encrypted",
            lambda: a_pdf(
                trailer=b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%b)/U(%b)>>/ID[(a)(a)]"
                % (b"o" * 32, b"u" * 32)
            ),
        ),
        ("P1 pages", "a.pdf", "pdf.too_large", lambda: a_pdf(pages=501)),
        (
            "P1 objects", "a.pdf", "pdf.too_large",
            lambda: a_pdf(
                streams=[a_pdf_stream(bytes(60 * _MEBIBYTE), entries=b"/Type/ObjStm/N 1/First 4")]
            ),
        ),
        (
            "P1 layers", "a.pdf", "pdf.too_large",
            lambda: a_pdf(streams=[a_pdf_stream(bytes(60 * _MEBIBYTE), layers=2)]),
        ),
    )
)  # fmt: skip
