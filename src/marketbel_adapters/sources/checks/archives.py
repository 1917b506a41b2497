"""Zip archives, read so strictly that no two readers can see different files in one archive.

The layout is judged before a byte is unpacked, and sizes are counted while unpacking. Written
after PKWARE's APPNOTE 6.3.10; the overlap rule is that of CVE-2024-0450, with data descriptors
left out of an entry's extent, since some writers (Google's export) add them and some do not.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.limits import (
    UNPACKED_BYTES_FREE,
    UNPACKED_BYTES_MAX,
    UNPACKED_RATIO_MAX,
)
from marketbel_adapters.sources.checks.refusals import RefusalError
from marketbel_adapters.sources.checks.zip_directory import Entry, malformed, read_directory

__all__ = ["Archive", "corrupt"]

_LOCAL: Final = struct.Struct("<4s2xHHHHIIIHH")
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_UNSAID: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x1
_SIZES_FOLLOW: Final = 0x8
_STORED, _DEFLATED = 0, 8
_CHUNK_BYTES: Final = 65_536
_UNPACKED_CHUNK_BYTES: Final = 1 << 20
_NESTED: Final = (b"PK\x03\x04", b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry, and where its packed bytes begin and end in the file."""

    entry: Entry
    start: int
    end: int


class Archive:
    """A zip archive with a sound layout that claims a sane size."""

    def __init__(self, file: BinaryIO, *, size_bytes: int) -> None:
        """Judge the layout of the archive that `file` is.

        Raises:
            RefusalError: `xlsx.corrupt` (cut off), `xlsx.malformed_zip`, `xlsx.bomb`,
                `file.encrypted`.
        """
        self._file = file
        entries, directory_offset = read_directory(file, size_bytes=size_bytes)
        lies = False
        placed = []
        for entry in entries:
            place, contradicts = self._place(entry)
            placed.append(place)
            lies = lies or contradicts
        _check_no_overlap(placed, directory_offset=directory_offset)
        if lies:
            raise _bomb("it names two sizes for one part")
        _check_size(sum(entry.unpacked_bytes for entry in entries), packed_bytes=size_bytes)
        self._places = {place.entry.name: place for place in placed}

    @property
    def names(self) -> list[str]:
        """The names of all parts, folders included, as they are in the directory."""
        return list(self._places)

    def unpacked(self, name: str) -> Iterator[bytes]:
        """Yield the part called `name` in chunks of up to 1 MiB; count and sum them up.

        Raises:
            RefusalError: `xlsx.bomb` (more or less than it claims), `xlsx.corrupt` (damaged),
                `xlsx.malformed_zip` (it is an archive itself).
        """
        entry = self._places[name].entry
        total = checksum = 0
        for chunk in self._inflated(self._places[name]):
            if total == 0 and chunk.startswith(_NESTED):
                raise malformed(f"it holds another archive, {name!r}")
            total += len(chunk)
            if total > entry.unpacked_bytes:
                raise _bomb(f"{name!r} unpacks to more than it claims")
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if total < entry.unpacked_bytes:
            raise _bomb(f"{name!r} unpacks to less than it claims")
        if checksum != entry.checksum:
            raise corrupt(f"the checksum of {name!r} is wrong")

    def _place(self, entry: Entry) -> tuple[_Placed, bool]:
        """Return where the entry's bytes are, and whether its header contradicts the directory."""
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
            raise malformed(f"there is no {entry.name!r} where the directory says")
        fields = _LOCAL.unpack(header)
        _, flags, method, _, _, _, packed, unpacked, name_length, extra_length = fields
        if (entry.flags | flags) & _ENCRYPTED:
            raise RefusalError(
                "file.encrypted", "the workbook is protected by a password; send it without"
            )
        if self._file.read(name_length) != entry.raw_name or method != entry.method:
            raise malformed(f"{entry.name!r} is described in two ways")
        if method not in {_STORED, _DEFLATED}:
            raise malformed(f"{entry.name!r} is packed by a method that workbooks do not use")
        said_here = not flags & _SIZES_FOLLOW and _UNSAID not in {packed, unpacked}
        if said_here and packed != entry.packed_bytes:
            raise malformed(f"{entry.name!r} is described in two ways")
        start = entry.header_offset + _LOCAL.size + name_length + extra_length
        contradicts = said_here and unpacked != entry.unpacked_bytes
        return _Placed(entry, start, start + entry.packed_bytes), contradicts

    def _inflated(self, place: _Placed) -> Iterator[bytes]:
        if place.entry.packed_bytes == place.entry.unpacked_bytes == 0:
            return  # folders, which some writers declare deflated
        packed = self._packed(place)
        if place.entry.method == _STORED:
            yield from packed
            return
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for chunk in packed:
                rest = chunk
                while rest and not inflater.eof:
                    yield inflater.decompress(rest, _UNPACKED_CHUNK_BYTES)
                    rest = inflater.unconsumed_tail
            while not inflater.eof and (chunk := inflater.decompress(b"", _UNPACKED_CHUNK_BYTES)):
                yield chunk
        except zlib.error as error:
            raise corrupt(f"{place.entry.name!r} cannot be unpacked") from error
        if not inflater.eof:
            raise corrupt(f"{place.entry.name!r} is cut off")

    def _packed(self, place: _Placed) -> Iterator[bytes]:
        position = place.start
        while position < place.end:
            self._file.seek(position)  # somebody else may read another part in between
            chunk = self._file.read(min(_CHUNK_BYTES, place.end - position))
            if not chunk:
                raise corrupt("the archive is cut off")
            position += len(chunk)
            yield chunk


def _check_no_overlap(placed: list[_Placed], *, directory_offset: int) -> None:
    by_place = sorted(placed, key=lambda place: place.entry.header_offset)
    for before, after in pairwise(by_place):
        if before.end > after.entry.header_offset:
            raise malformed(f"{before.entry.name!r} and {after.entry.name!r} overlap")
    if by_place and by_place[-1].end > directory_offset:
        raise malformed(f"{by_place[-1].entry.name!r} overlaps the directory")
    for place in placed:
        kind = stat.S_IFMT(place.entry.mode)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise malformed(f"{place.entry.name!r} is a link or a device")


def _check_size(unpacked_bytes: int, *, packed_bytes: int) -> None:
    if unpacked_bytes > UNPACKED_BYTES_MAX:
        raise _bomb(f"it unpacks to {unpacked_bytes // 1_048_576} MiB")
    ratio = unpacked_bytes / packed_bytes
    if unpacked_bytes > UNPACKED_BYTES_FREE and ratio > UNPACKED_RATIO_MAX:
        raise _bomb(f"it unpacks to {ratio:.0f} times its size")


def corrupt(why: str) -> RefusalError:
    """Return the refusal of a damaged workbook."""
    return RefusalError(
        "xlsx.corrupt", f"the workbook is damaged ({why}); save it again as xlsx and send it anew"
    )


def _bomb(why: str) -> RefusalError:
    return RefusalError(
        "xlsx.bomb",
        f"the workbook is an archive that grows beyond measure: {why}; "
        "save it again from a spreadsheet program, without unused sheets and formatting",
    )
