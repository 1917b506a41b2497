"""Price lists that rest in a dict, by location."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import MarketbelError, RefusedError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["MemoryFile", "MemoryFileSource"]

_CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFile:
    """A file that waits to be fetched.

    Attributes:
        filename: What the source calls it; `None` when it says nothing.
        mime_type: What the source says it is; `None` when it says nothing.
        announces_size: Whether the size is known before the first byte.
    """

    content: bytes
    filename: str | None = None
    mime_type: str | None = None
    announces_size: bool = True


class MemoryFileSource(FileSource):
    """Serves what was put in; a location put in as an error raises that error."""

    def __init__(
        self, files: Mapping[str, bytes | MemoryFile | MarketbelError] | None = None
    ) -> None:
        self._files: dict[str, bytes | MemoryFile | MarketbelError] = dict(files or {})

    def put(self, location: str, file: bytes | MemoryFile | MarketbelError) -> None:
        """Let `location` give `file` from now on."""
        self._files[location] = file

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        file = self._files.get(source.location)
        if file is None:
            raise RefusedError("source.missing", f"there is no file at {source.location}")
        if isinstance(file, MarketbelError):
            raise file
        if isinstance(file, bytes):
            file = MemoryFile(content=file)
        size_bytes = len(file.content) if file.announces_size else None
        _refuse_above(size_bytes_max, size_bytes or 0)
        yield IncomingFile(
            filename=file.filename,
            mime_type=file.mime_type,
            size_bytes=size_bytes,
            chunks=_chunks(file.content, size_bytes_max=size_bytes_max),
        )


async def _chunks(content: bytes, *, size_bytes_max: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK_BYTES):
        chunk = content[start : start + _CHUNK_BYTES]
        _refuse_above(size_bytes_max, start + len(chunk))
        yield chunk


def _refuse_above(size_bytes_max: int, size_bytes: int) -> None:
    if size_bytes > size_bytes_max:
        raise RefusedError(
            "file.too_large",
            f"the file has {size_bytes} bytes or more, at most {size_bytes_max} are taken",
        )
