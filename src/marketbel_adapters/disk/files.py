"""Files in one folder, each with its sidecar.

A file is put in its place whole, its sidecar after it: whoever sees the sidecar may read the file.
"""

import asyncio
import errno
import hashlib
import os
import re
import stat
from collections.abc import AsyncIterable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from marketbel_adapters.disk.part import NAME_BYTES_MAX, PartFile, sync_folder
from marketbel_adapters.disk.sidecars import SIDECAR_SUFFIX, dumped, parsed
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import Sidecar
from marketbel_core.ports import FileStore, StoredBytes

__all__ = ["DiskFileStore"]

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_KEY_BYTES_MAX: Final = NAME_BYTES_MAX - len(SIDECAR_SUFFIX)
"""The sidecar's name must fit as well."""

_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
"""Separators of any system, control characters, and what UTF-8 cannot say."""

_SIDECAR_BYTES_MAX: Final = 1_048_576
"""Ours have under 2 KiB; what is larger is no sidecar, and is not read into memory."""


class DiskFileStore(FileStore):
    """Keeps files in `folder`, which must exist. Blocking work is done in threads.

    A cancelled `store` leaves nothing under the key, unless the cancellation came when the file
    was being put in its place already: then it is there whole, without a sidecar.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, key: FileKey) -> Path:
        """Return where the file of `key` rests, whether it is there or not.

        Raises:
            RefusedError: the key is no plain name (`storage.unsafe_path`).
        """
        _check_key(key)
        return self._folder / key

    async def store(
        self, key: FileKey, chunks: AsyncIterable[bytes], *, size_bytes_max: int
    ) -> StoredBytes:
        path = self.path_of(key)
        part = PartFile(path)
        try:
            with _translated(key):
                await asyncio.to_thread(part.create)
            stored = await _fill(part, chunks, key=key, size_bytes_max=size_bytes_max)
            with _translated(key):
                await asyncio.to_thread(_replace, part, path)
        finally:
            # Not awaited: a second cancellation must not interrupt it. It waits for one write.
            part.discard()
        return stored

    async def attach(self, key: FileKey, sidecar: Sidecar) -> None:
        path = self.path_of(key)
        part = PartFile(_sidecar_path(path))
        try:
            with _translated(key):
                await asyncio.to_thread(_write_sidecar, part, path, dumped(sidecar))
        finally:
            part.discard()

    async def sidecar(self, key: FileKey) -> Sidecar | None:
        path = _sidecar_path(self.path_of(key))
        with _translated(key):
            try:
                content = await asyncio.to_thread(_read_regular, path, _SIDECAR_BYTES_MAX + 1)
            except FileNotFoundError:
                return None
        if len(content) > _SIDECAR_BYTES_MAX:
            raise ProtocolError(
                f"the sidecar of {key} is damaged: it is too large", code="meta.corrupt"
            )
        return parsed(content, key=key)

    async def read(self, key: FileKey) -> bytes:
        path = self.path_of(key)
        with _translated(key):
            return await asyncio.to_thread(_read_regular, path)

    async def delete(self, key: FileKey) -> bool:
        path = self.path_of(key)
        with _translated(key):
            return await asyncio.to_thread(_delete, path)

    async def keys(self) -> list[FileKey]:
        with _translated(FileKey("")):
            return await asyncio.to_thread(_committed_keys, self._folder)


@contextmanager
def _translated(key: FileKey) -> Generator[None]:
    """Raise the port's errors from what the operating system says about `key`."""
    try:
        yield
    except FileNotFoundError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)).name == key:
            raise RefusedError("storage.missing", f"no file is stored as {key}") from error
        raise _unavailable(error) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedError(
                "storage.unsafe_path", f"{key} is a link in the store; links are not followed"
            ) from error
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> UnavailableError:
    reason = error.strerror or type(error).__name__
    if error.errno in _NO_ROOM:
        return UnavailableError(
            f"there is no room in the file store: {reason}", code="storage.full"
        )
    return UnavailableError(f"the file store cannot be used: {reason}", code="storage.unavailable")


async def _fill(
    part: PartFile, chunks: AsyncIterable[bytes], *, key: FileKey, size_bytes_max: int
) -> StoredBytes:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size_bytes = 0

    def take(chunk: bytes) -> None:
        part.write(chunk)
        md5.update(chunk)
        sha256.update(chunk)

    async for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes > size_bytes_max:
            raise RefusedError(
                "file.too_large", f"more than the {size_bytes_max} bytes that are taken arrived"
            )
        with _translated(key):
            await asyncio.to_thread(take, chunk)
    if not size_bytes:
        raise RefusedError("file.empty", "the file is empty; ask the supplier for a full one")
    return StoredBytes(size_bytes=size_bytes, md5=md5.hexdigest(), sha256=sha256.hexdigest())


def _replace(part: PartFile, path: Path) -> None:
    part.seal()
    # An older sidecar speaks of the bytes that are replaced: it goes first, so that at no instant
    # the mark of one file stands beside another.
    _sidecar_path(path).unlink(missing_ok=True)
    part.commit()


def _write_sidecar(part: PartFile, path: Path, content: bytes) -> None:
    path.lstat()  # raises when there is nothing to describe
    part.create()
    part.write(content)
    part.seal()
    part.commit()


def _read_regular(path: Path, size_bytes_max: int = -1) -> bytes:
    """Return the content of a file that is neither a link nor a device nor a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        return file.read(size_bytes_max)


def _delete(path: Path) -> bool:
    removed = False
    for gone in (_sidecar_path(path), path):  # the mark first: without it nobody reads the file
        try:
            gone.unlink()
        except FileNotFoundError:
            continue
        removed = True
    if removed:
        sync_folder(path.parent)
    return removed


def _committed_keys(folder: Path) -> list[FileKey]:
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    return sorted(
        FileKey(name)
        for name in names
        if not name.startswith(".") and f"{name}{SIDECAR_SUFFIX}" in names
    )


def _sidecar_path(path: Path) -> Path:
    return path.with_name(f"{path.name}{SIDECAR_SUFFIX}")


def _check_key(key: FileKey) -> None:
    plain = (
        key
        and not key.startswith(".")
        and not key.endswith(SIDECAR_SUFFIX)
        and not _UNSAFE.search(key)
        and len(key.encode()) <= _KEY_BYTES_MAX
    )
    if not plain:
        raise RefusedError("storage.unsafe_path", f"{key[:64]!r} is not a plain file name")
