"""Archives that were a sound workbook once, spoilt in one place each."""

import struct
from stat import S_IFLNK
from zipfile import ZipInfo

from marketbel_adapters.testing.containers import a_workbook, zipped

__all__ = [
    "damaged",
    "inside",
    "linked",
    "lying",
    "overlapping",
    "relabelled",
    "twin_directories",
]


def relabelled(content: bytes, part: str, *, at: int, field: bytes, extra: bytes = b"") -> bytes:
    """Return the archive with `field` written `at` bytes into the part's directory entry."""
    raw = part.encode()
    found = content.rindex(raw) - 46
    entry = bytearray(content[found : found + 46])
    entry[at : at + len(field)] = field
    if not extra:
        return content[:found] + bytes(entry) + content[found + 46 :]
    struct.pack_into("<H", entry, 30, len(extra))
    tail = content[found + 46 + len(raw) :]
    ending = bytearray(tail)
    (size,) = struct.unpack_from("<I", ending, len(ending) - 10)
    struct.pack_into("<I", ending, len(ending) - 10, size + len(extra))
    return content[:found] + bytes(entry) + raw + extra + bytes(ending)


def lying(content: bytes, *, size: int) -> bytes:
    """Return the archive with another unpacked size, in both places, for the sheet."""
    part = "xl/worksheets/sheet1.xml"
    patched = bytearray(relabelled(content, part, at=24, field=struct.pack("<I", size)))
    struct.pack_into("<I", patched, patched.index(part.encode()) - 8, size)
    return bytes(patched)


def overlapping() -> bytes:
    """Return an archive in which two parts of the directory are one in the file."""
    content = a_workbook(parts={"xl/a.xml": b"<x/>", "xl/b.xml": b"<x/>"})
    entry = content.rindex(b"xl/a.xml") - 46
    return relabelled(content, "xl/b.xml", at=42, field=content[entry + 42 : entry + 46])


def inside() -> bytes:
    """Return an archive in which one part's bytes are those of another's header and bytes."""
    content = a_workbook(parts={"xl/a.xml": b"<x/>" * 9, "xl/b.xml": b"<y/>"})
    entry = content.rindex(b"xl/a.xml") - 46
    (packed,) = struct.unpack_from("<I", content, entry + 20)
    longer = struct.pack("<I", packed + 40)
    patched = bytearray(relabelled(content, "xl/a.xml", at=20, field=longer))
    struct.pack_into("<I", patched, patched.index(b"xl/a.xml") - 12, packed + 40)
    return bytes(patched)


def twin_directories() -> bytes:
    """Return an archive whose ZIP64 record names fewer parts than its ordinary one."""
    content = a_workbook()
    end = len(content) - 22
    _, _, _, _, entries, size, offset, _ = struct.unpack("<4sHHHHIIH", content[end:])
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries - 1, entries - 1, size, offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + content[end:]


def linked() -> bytes:
    """Return an archive in which one part is a symbolic link."""
    link = ZipInfo("xl/link.xml")
    link.create_system, link.external_attr = 3, (S_IFLNK | 0o777) << 16
    return zipped(
        [("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"), (link, b"/etc")]
    )


def damaged() -> bytes:
    """Return an archive in which the checksum of one part is wrong."""
    content = bytearray(a_workbook())
    entry = content.rindex(b"xl/workbook.xml") - 46
    content[entry + 16] ^= 0xFF
    content[content.index(b"xl/workbook.xml") - 16] ^= 0xFF
    return bytes(content)
