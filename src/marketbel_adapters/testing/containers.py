"""Small files in the formats of price lists, built byte by byte: sound ones, to be spoilt."""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

__all__ = ["a_pdf", "a_pdf_stream", "a_workbook", "an_ole_file", "biff", "sheet_xml", "zipped"]

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = (
    f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
).encode()
_ROWS: Final = '<row r=\'1\'><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
_SECTOR_BYTES: Final = 512
_END_OF_CHAIN, _FREE, _FAT_SECTOR = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def sheet_xml(rows: str = _ROWS, *, before: str = "", dimension: str = "A1:B1") -> bytes:
    """Return a sheet with these rows; `before` stands between the declaration and the root."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<worksheet xmlns="{_MAIN}">'
        f'<dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'
    ).encode()


def a_workbook(
    parts: Mapping[str, bytes] | None = None,
    *,
    sheet: bytes | None = None,
    without: Iterable[str] = (),
) -> bytes:
    """Return an xlsx file with one sheet called `Прайс`.

    Args:
        parts: Further ones, or others in the place of the usual ones.
        sheet: The whole part `xl/worksheets/sheet1.xml`.
        without: Parts to leave out.
    """
    usual = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _relations("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>'
            '<sheet name="Прайс" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ).encode(),
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet or sheet_xml(),
    }
    wanted = {**usual, **(parts or {})}
    return zipped([(name, wanted[name]) for name in wanted if name not in set(without)])


def zipped(parts: Sequence[tuple[str | ZipInfo, bytes]]) -> bytes:
    """Return an archive of these parts, in their order; `ZipInfo` says more than a name."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, part in parts:
            archive.writestr(name, part)
    return content.getvalue()


def _relations(kind: str, target: str) -> bytes:
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATED}/{kind}" Target="{target}"/></Relationships>'
    ).encode()


def biff(*records: tuple[int, bytes]) -> bytes:
    """Return a stream of BIFF8 records between a beginning and an end, as a workbook has it."""
    beginning = (0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0))
    return b"".join(
        struct.pack("<HH", kind, len(body)) + body
        for kind, body in (beginning, *records, (0x000A, b""))
    )


def an_ole_file(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file with these streams, none of them small enough for a mini stream.

    At most three streams of some thousand bytes: the directory has one sector.
    """
    sectors: list[bytes] = [b"", b""]  # the table and the directory come last
    table = [_FAT_SECTOR, _END_OF_CHAIN]
    entries = [_directory_entry("Root Entry", kind=5, start=_END_OF_CHAIN, size_bytes=0)]
    for name, content in streams.items():
        padded = content.ljust(4_096, b"\x00")
        start = len(sectors)
        pieces = [
            padded[at : at + _SECTOR_BYTES].ljust(_SECTOR_BYTES, b"\x00")
            for at in range(0, len(padded), _SECTOR_BYTES)
        ]
        sectors += pieces
        table += [*range(start + 1, start + len(pieces)), _END_OF_CHAIN]
        entries.append(_directory_entry(name, kind=2, start=start, size_bytes=len(padded)))
    table += [_FREE] * (_SECTOR_BYTES // 4 - len(table))
    sectors[0] = struct.pack(f"<{len(table)}I", *table)
    sectors[1] = b"".join(entries).ljust(_SECTOR_BYTES, b"\x00")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4_096, _END_OF_CHAIN, 0, _END_OF_CHAIN, 0)
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    return header + b"".join(sectors)


def _directory_entry(name: str, *, kind: int, start: int, size_bytes: int) -> bytes:
    raw = name.encode("utf-16-le")
    entry = raw.ljust(64, b"\x00") + struct.pack("<HBB", len(raw) + 2, kind, 1)
    child = 1 if kind == 5 else _FREE
    entry += struct.pack("<III", _FREE, _FREE, child) + bytes(36)
    return entry + struct.pack("<IQ", start, size_bytes)


def a_pdf(
    *, pages: int = 1, streams: Sequence[bytes] = (), trailer: bytes = b"", cut: int = 0
) -> bytes:
    """Return a PDF.

    Args:
        pages: How many; they are empty.
        streams: Further objects, whole but for their number, such as `a_pdf_stream` gives.
        trailer: Further entries of the trailer.
        cut: How many bytes are missing at the end.
    """
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 3 + pages))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, pages),
        *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * pages,
        *streams,
    ]
    content, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(bodies) + 1
    content += b"xref\n0 %d\n0000000000 65535 f \n" % size + table
    at = content.rindex(b"xref\n")
    content += b"trailer<</Size %d/Root 1 0 R%s>>\n" % (size, trailer)
    content += b"startxref\n%d\n%%%%EOF\n" % at
    return content[: len(content) - cut]


def a_pdf_stream(content: bytes, *, layers: int = 1, entries: bytes = b"") -> bytes:
    """Return a stream object with `content` packed by Flate, several times over if asked."""
    for _ in range(layers):
        content = zlib.compress(content, 9)
    filters = b"[%s]" % (b"/FlateDecode" * layers)
    head = b"<</Filter%s/Length %d%s>>" % (filters, len(content), entries)
    return head + b"\nstream\n" + content + b"\nendstream"
