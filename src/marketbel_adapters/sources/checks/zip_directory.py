"""The directory of a zip archive: what it says is in there, before anything of it is believed."""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.limits import ZIP_ENTRIES_MAX
from marketbel_adapters.sources.checks.refusals import RefusalError

__all__ = ["Entry", "malformed", "read_directory"]

_END: Final = struct.Struct("<4sHHHHIIH")
_END_MAGIC: Final = b"PK\x05\x06"
_END_BYTES_MAX: Final = _END.size + 0xFFFF
_LOCATOR64: Final = struct.Struct("<4sIQI")
_LOCATOR64_MAGIC: Final = b"PK\x06\x07"
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_END64_MAGIC: Final = b"PK\x06\x06"
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_DIRECTORY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Two thousand entries with long names need a tenth of it."""

_SHORT, _LONG = 0xFFFF, 0xFFFFFFFF  # "look into the ZIP64 record"
_ZIP64_EXTRA: Final = 0x0001
_UTF8_NAME: Final = 0x800
_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One part by the directory.

    Attributes:
        name: With slashes.
        raw_name: The bytes that the entry's own header must repeat.
        mode: Unix file mode, 0 where the writer set none.
    """

    name: str
    raw_name: bytes
    flags: int
    method: int
    checksum: int
    packed_bytes: int
    unpacked_bytes: int
    header_offset: int
    mode: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the directory lies."""

    entries: int
    size_bytes: int
    offset: int


def read_directory(file: BinaryIO, *, size_bytes: int) -> tuple[list[Entry], int]:
    """Return the entries and where the directory begins.

    Raises:
        RefusalError: `xlsx.corrupt` (no directory: cut off), `xlsx.malformed_zip`.
    """
    place = _find(file, size_bytes=size_bytes)
    if place.entries > ZIP_ENTRIES_MAX or place.size_bytes > _DIRECTORY_BYTES_MAX:
        raise malformed(f"it has more than {ZIP_ENTRIES_MAX} parts")
    file.seek(place.offset)
    directory = file.read(place.size_bytes)
    entries: list[Entry] = []
    position = 0
    while position < len(directory):
        if len(entries) == place.entries:
            raise malformed("it has more parts than it says")
        entry, position = _entry(directory, position)
        entries.append(entry)
    if len(entries) < place.entries:
        raise malformed("it has fewer parts than it says")
    _check_names([entry.name for entry in entries])
    return entries, place.offset


def malformed(why: str) -> RefusalError:
    """Return the refusal of an archive that no spreadsheet program writes."""
    return RefusalError(
        "xlsx.malformed_zip",
        f"the archive is not built as workbooks are: {why}; "
        "save the list again from a spreadsheet program",
    )


def _find(file: BinaryIO, *, size_bytes: int) -> _Place:
    tail_offset = max(0, size_bytes - _END_BYTES_MAX)
    file.seek(tail_offset)
    tail = file.read(_END_BYTES_MAX)
    found = tail.rfind(_END_MAGIC, 0, len(tail) - _END.size + len(_END_MAGIC))
    if found < 0:
        raise RefusalError(
            "xlsx.corrupt", "the end of the workbook is missing; send it again, whole"
        )
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, found)
    end = tail_offset + found
    place = _Place(entries, size, offset)
    locator = end - _LOCATOR64.size
    file.seek(max(0, locator))
    record = file.read(_LOCATOR64.size)
    if locator >= 0 and record.startswith(_LOCATOR64_MAGIC):
        place, end = _find64(file, record, place, locator=locator)
    elif _SHORT in {entries, disk} or _LONG in {size, offset}:
        raise malformed("it points to a ZIP64 record that is not there")
    if here != entries or disk != first_disk or disk not in {0, _SHORT}:
        raise malformed("it is one of several volumes")
    if place.offset + place.size_bytes != end:
        raise malformed("its directory is not where it says")
    return place


def _find64(file: BinaryIO, record: bytes, short: _Place, *, locator: int) -> tuple[_Place, int]:
    """Return the place by the ZIP64 record and where that record begins.

    Readers differ in which of the two records they believe, so the two must agree.
    """
    _, _, offset64, disks = _LOCATOR64.unpack(record)
    file.seek(min(offset64, locator))
    head = file.read(_END64.size)
    if len(head) < _END64.size or not head.startswith(_END64_MAGIC):
        raise malformed("its ZIP64 record is not where it says")
    _, length, _, _, disk, first_disk, here, entries, size, offset = _END64.unpack(head)
    if offset64 + 12 + length != locator or (disk, first_disk) != (0, 0) or disks > 1:
        raise malformed("its ZIP64 record is not where it says")
    long = _Place(entries, size, offset)
    agree = (
        here == entries
        and short.entries in {entries, _SHORT}
        and short.size_bytes in {size, _LONG}
        and short.offset in {offset, _LONG}
    )
    if not agree:
        raise malformed("its two directories contradict each other")
    return long, offset64


def _entry(directory: bytes, position: int) -> tuple[Entry, int]:
    """Return the entry at `position` and where the next one begins."""
    if not directory.startswith(_CENTRAL_MAGIC, position):
        raise malformed("its directory is damaged")
    name_at = position + _CENTRAL.size
    if name_at > len(directory):
        raise malformed("its directory is damaged")
    fields = _CENTRAL.unpack_from(directory, position)
    _, _, _, flags, method, _, _, checksum, packed, unpacked = fields[:10]
    name_length, extra_length, comment_length, _, _, attributes, offset = fields[10:]
    extra_at = name_at + name_length
    end = extra_at + extra_length + comment_length
    if end > len(directory):
        raise malformed("its directory is damaged")
    raw_name = directory[name_at:extra_at]
    extra = directory[extra_at : extra_at + extra_length]
    unpacked, packed, offset = _sizes64(extra, (unpacked, packed, offset))
    entry = Entry(
        name=_name(raw_name, flags),
        raw_name=raw_name,
        flags=flags,
        method=method,
        checksum=checksum,
        packed_bytes=packed,
        unpacked_bytes=unpacked,
        header_offset=offset,
        mode=attributes >> 16,
    )
    return entry, end


def _sizes64(extra: bytes, short: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return unpacked size, packed size and offset, completed from a ZIP64 extra field.

    A size that needs more than 32 bits is a trick in itself: no file that is taken is so long. A
    value that stands in both places and differs is read differently by different readers.
    """
    values = _values64(extra)
    wanted = short.count(_LONG)
    if wanted == 0:
        if values and not set(values) <= {*short, 0}:
            raise malformed("it names two sizes for one part (ZIP64)")
        return short
    if len(values) < wanted:
        raise malformed("a ZIP64 size is missing")
    rest = iter(values)
    unpacked, packed, offset = (next(rest) if value == _LONG else value for value in short)
    if max(unpacked, packed, offset) >= _LONG:
        raise malformed("a part claims a size of 4 GiB and more (ZIP64)")
    return unpacked, packed, offset


def _values64(extra: bytes) -> tuple[int, ...]:
    while len(extra) >= 4:  # noqa: PLR2004 - identifier and length, two bytes each
        kind, length = struct.unpack_from("<HH", extra)
        body = extra[4 : 4 + length]
        if kind == _ZIP64_EXTRA:
            count = min(3, len(body) // 8)
            return struct.unpack_from(f"<{count}Q", body)
        extra = extra[4 + length :]
    return ()


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8_NAME else "cp437")
    except UnicodeDecodeError as error:
        raise malformed("the name of a part is no text") from error
    # Some writers of Windows put backslashes where slashes belong; readers forgive it.
    return name.replace("\\", "/")


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name or "\x00" in name or name.startswith("/") or _DRIVE.match(name):
            raise malformed(f"{name[:64]!r} is no name of a part")
        if ".." in name.split("/"):
            raise malformed(f"{name[:64]!r} leads out of the archive")
    # Parts of a workbook are told apart without regard to case (ECMA-376, part 2).
    if len({name.casefold() for name in names}) < len(names):
        raise malformed("it has two parts of one name")
