"""OLE compound files ([MS-CFB]): the container of .xls, of .doc, and of encrypted .xlsx files."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from marketbel_adapters.sources.checks.archives import corrupt
from marketbel_adapters.sources.checks.refusals import RefusalError

__all__ = ["OleFile"]

_HEADER: Final = struct.Struct("<8x16xHHHHH6xIIIIIIIII")
_HEADER_BYTES: Final = 512
_ENTRY_BYTES: Final = 128
_SECTOR_SHIFTS: Final = frozenset({9, 12})
_MINI_SECTOR_SHIFT: Final = 6
_LAST_REGULAR: Final = 0xFFFFFFFA
"""Greater sector numbers mean: free, end of the chain, or the tables themselves."""

_LITTLE_ENDIAN: Final = 0xFFFE
_STREAM, _ROOT = 2, 5


@dataclass(frozen=True, slots=True)
class _DirectoryEntry:
    kind: int
    start: int
    size_bytes: int


class OleFile:
    """The names in a compound file, and the bytes of its streams."""

    def __init__(self, file: BinaryIO, *, size_bytes: int) -> None:
        """Read the tables of the file.

        Raises:
            RefusalError: it is no compound file with a workbook (`file.type_mismatch`), or it is
                damaged (`xlsx.corrupt`).
        """
        self._file = file
        file.seek(0)
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            raise corrupt("it is cut off")
        fields = _HEADER.unpack_from(header)
        _, _, order, shift, mini_shift, _, _, directory, _, cutoff, mini_fat, _, difat, _ = fields
        if (
            order != _LITTLE_ENDIAN
            or shift not in _SECTOR_SHIFTS
            or mini_shift != _MINI_SECTOR_SHIFT
        ):
            raise RefusalError(
                "file.type_mismatch",
                "the file begins like an xls workbook and is none; send the list as xlsx or csv",
            )
        self._sector_bytes = 1 << shift
        self._sectors_max = size_bytes // self._sector_bytes + 1
        self._cutoff = cutoff
        self._fat = self._read_fat(header, difat)
        self._mini_fat = _numbers(b"".join(self._chain(mini_fat)))
        self._entries = self._read_directory(directory)
        root = next((entry for entry in self._entries.values() if entry.kind == _ROOT), None)
        self._mini = b"".join(self._chain(root.start)) if root else b""

    @property
    def names(self) -> set[str]:
        """The names of all streams and storages, wherever in the tree, in small letters."""
        return set(self._entries)

    def stream(self, name: str) -> bytes:
        """Return the bytes of the stream called `name`, small letters.

        Raises:
            RefusalError: it is cut off (`xlsx.corrupt`).
        """
        entry = self._entries[name]
        if entry.size_bytes >= self._cutoff:
            content = b"".join(self._chain(entry.start))
        else:
            content = b"".join(self._mini_chain(entry.start))
        if len(content) < entry.size_bytes:
            raise corrupt("it is cut off")
        return content[: entry.size_bytes]

    def is_stream(self, name: str) -> bool:
        """Return whether there is a stream of this name."""
        return name in self._entries and self._entries[name].kind == _STREAM

    def _sector(self, number: int) -> bytes:
        self._file.seek((number + 1) * self._sector_bytes)
        sector = self._file.read(self._sector_bytes)
        if not sector:
            raise corrupt("it is cut off")
        return sector  # the last one of a file may be short

    def _read_fat(self, header: bytes, difat: int) -> list[int]:
        places = list(_numbers(header[76:]))
        for _ in range(self._sectors_max):
            if difat >= _LAST_REGULAR:
                break
            numbers = _numbers(self._sector(difat))
            places += numbers[:-1]
            difat = numbers[-1]
        used = [place for place in places if place < _LAST_REGULAR]
        if len(used) > self._sectors_max:
            raise corrupt("its tables contradict each other")
        return _numbers(b"".join(self._sector(place) for place in used))

    def _chain(self, start: int) -> Iterator[bytes]:
        number, steps = start, 0
        while number < _LAST_REGULAR:
            if number >= len(self._fat) or steps > self._sectors_max:
                raise corrupt("its tables contradict each other")
            yield self._sector(number)
            number, steps = self._fat[number], steps + 1

    def _mini_chain(self, start: int) -> Iterator[bytes]:
        number, steps, size = start, 0, 1 << _MINI_SECTOR_SHIFT
        while number < _LAST_REGULAR:
            if number >= len(self._mini_fat) or steps > len(self._mini_fat):
                raise corrupt("its tables contradict each other")
            yield self._mini[number * size : (number + 1) * size]
            number, steps = self._mini_fat[number], steps + 1

    def _read_directory(self, start: int) -> dict[str, _DirectoryEntry]:
        entries: dict[str, _DirectoryEntry] = {}
        for sector in self._chain(start):
            for at in range(0, len(sector) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
                name_bytes, kind = struct.unpack_from("<HB", sector, at + 64)
                if kind == 0:
                    continue
                raw = sector[at : at + min(max(name_bytes - 2, 0), 62)]
                begin, size = struct.unpack_from("<II", sector, at + 116)
                name = raw.decode("utf-16-le", errors="replace").casefold()
                entries.setdefault(name, _DirectoryEntry(kind, begin, size))
        return entries


def _numbers(content: bytes) -> list[int]:
    count = len(content) // 4
    return list(struct.unpack_from(f"<{count}I", content))
