"""Price lists that rest on this machine: only inside the folders that were opened for it."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ports import FileSource, IncomingFile

__all__ = ["LocalFileSource"]

_CHUNK_BYTES: Final = 65_536
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""No link anywhere, since all were resolved already; no waiting for a pipe's other end."""

_FOLDER_FLAGS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
)
"""Where the system knows O_PATH, a folder that may be passed through need not be readable."""

_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})


class LocalFileSource(FileSource):
    """Opens files inside `roots`, links resolved; without roots it opens nothing.

    A location is an absolute path, or one relative to the first root.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    @asynccontextmanager
    async def open(
        self, source: SourceRef, *, size_bytes_max: int
    ) -> AsyncGenerator[IncomingFile]:
        if "://" in source.location:
            raise RefusedError("source.scheme", "a local file is named by its path, not by an URL")
        root, path = await asyncio.to_thread(self._resolved, source.location)
        file, size_bytes = await asyncio.to_thread(_opened, root, path)
        with file:
            if size_bytes > size_bytes_max:
                raise _too_large(size_bytes_max)
            yield IncomingFile(
                filename=path.name,
                mime_type=None,
                size_bytes=size_bytes,
                chunks=_chunks(file, size_bytes=size_bytes, size_bytes_max=size_bytes_max),
            )

    def _resolved(self, location: str) -> tuple[Path, Path]:
        """Return the root and the place in it that `location` leads to in the end.

        Raises:
            RefusedError: it lies outside the roots (`storage.unsafe_path`).
        """
        if not self._roots:
            raise RefusedError(
                "storage.unsafe_path",
                "no folder is open to local sources; name one in the settings",
            )
        try:
            roots = [root.resolve() for root in self._roots]
            path = (roots[0] / location).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL
            raise RefusedError("storage.unsafe_path", "the path leads nowhere") from error
        for root in roots:
            if path.is_relative_to(root):
                return root, path
        raise RefusedError(
            "storage.unsafe_path",
            "the path leads outside the folders that are open to local sources",
        )


def _opened(root: Path, path: Path) -> tuple[BufferedReader, int]:
    """Return the file, open for reading, and its size in bytes."""
    try:
        descriptor = _descriptor(root, path)
    except OSError as error:
        raise _refusal(path, error) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise RefusedError("source.not_a_file", f"{path.name} is not a file")
    return os.fdopen(descriptor, "rb"), found.st_size


def _descriptor(root: Path, path: Path) -> int:
    """Return a descriptor of `path`, walked to from `root` folder by folder.

    Another writer in the folder might put a link in the place of a folder after all links were
    resolved; the walk does not follow it.
    """
    *folders, name = path.relative_to(root).parts or (".",)
    at = os.open(root, _FOLDER_FLAGS)
    try:
        for folder in folders:
            below = os.open(folder, _FOLDER_FLAGS, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, _FLAGS, dir_fd=at)
    finally:
        os.close(at)


def _refusal(path: Path, error: OSError) -> RefusedError | UnavailableError:
    if error.errno in _MISSING:
        return RefusedError("source.missing", f"there is no file {path.name}")
    if error.errno in _FORBIDDEN:
        return RefusedError("source.denied", f"{path.name} may not be read by this service")
    if error.errno == errno.ELOOP:
        return RefusedError(
            "storage.unsafe_path", f"{path.name} became a link while it was opened"
        )
    return UnavailableError(
        f"{path.name} cannot be read: {error.strerror}", code="source.unavailable"
    )


async def _chunks(
    file: BufferedReader, *, size_bytes: int, size_bytes_max: int
) -> AsyncIterator[bytes]:
    read_bytes = 0
    while chunk := await asyncio.to_thread(_read, file):
        read_bytes += len(chunk)
        if read_bytes > size_bytes_max:
            raise _too_large(size_bytes_max)
        yield chunk
    if read_bytes < size_bytes:
        raise UnavailableError(
            f"the file was cut to {read_bytes} of {size_bytes} bytes while it was read",
            code="source.truncated",
        )


def _read(file: BufferedReader) -> bytes:
    try:
        return file.read(_CHUNK_BYTES)
    except OSError as error:
        raise UnavailableError(
            f"the file cannot be read on: {error.strerror}", code="source.unavailable"
        ) from error


def _too_large(size_bytes_max: int) -> RefusedError:
    return RefusedError(
        "file.too_large", f"the file has more than the {size_bytes_max} bytes that are taken"
    )
