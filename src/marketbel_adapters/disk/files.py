"""Files in one folder, each with its sidecar.

A file is put in its place whole, its sidecar after it: whoever sees the sidecar may read the file.
Neither the folder nor what is in it may be a link: another writer may have planted it.
"""

import asyncio
import errno
import hashlib
import os
import re
from collections.abc import AsyncIterable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from marketbel_adapters.disk.folder import (
    UNSAFE_ERRNOS,
    open_regular,
    opened_folder,
    read_regular,
    remove_name,
)
from marketbel_adapters.disk.part import NAME_BYTES_MAX, PartFile
from marketbel_adapters.disk.sidecars import (
    SIDECAR_BYTES_MAX,
    SIDECAR_SUFFIX,
    dumped,
    parsed,
    sidecar_name,
)
from marketbel_adapters.disk.survey import removed, surveyed
from marketbel_core.errors import ProtocolError, RefusedError, UnavailableError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FoundFile, Sidecar
from marketbel_core.ports import FileStore, StoredBytes

__all__ = ["DiskFileStore"]

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_KEY_BYTES_MAX: Final = NAME_BYTES_MAX - len(SIDECAR_SUFFIX)
"""The sidecar's name must fit as well."""

_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
"""Separators of any system, control characters, and what UTF-8 cannot say."""

_READ_BYTES: Final = 1_048_576
"""How much of a file is checked at once: large beside a system call, small beside memory."""


class DiskFileStore(FileStore):
    """Keeps files in `folder`, which must exist. Blocking work is done in threads.

    What it writes can be read by the folder's owner and group (mode 0640, whatever the umask):
    whoever else reads the folder needs that group.

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
        part = PartFile(path.with_name(sidecar_name(key)))
        try:
            with _translated(key):
                await asyncio.to_thread(_write_sidecar, part, path, dumped(sidecar))
        finally:
            part.discard()

    async def sidecar(self, key: FileKey) -> Sidecar | None:
        _check_key(key)
        with _translated(key):
            content = await asyncio.to_thread(_read_sidecar, self._folder, key)
        return None if content is None else parsed(content, key=key)

    async def verify(self, key: FileKey) -> bool:
        _check_key(key)
        try:
            sidecar = await self.sidecar(key)
            if sidecar is None:
                return False
            with _translated(key):
                return await asyncio.to_thread(_holds, self._folder, key, sidecar)
        except (ProtocolError, RefusedError):  # damaged, missing, a link: nothing vouches for it
            return False

    async def read(self, key: FileKey) -> bytes:
        _check_key(key)
        with _translated(key):
            return await asyncio.to_thread(_read, self._folder, key)

    async def delete(self, key: FileKey) -> bool:
        _check_key(key)
        with _translated(key):
            return await asyncio.to_thread(_delete, self._folder, key)

    async def keys(self) -> list[FileKey]:
        with _translated(FileKey("")):
            return await asyncio.to_thread(_committed_keys, self._folder)

    async def survey(self) -> list[FoundFile]:
        with _translated(FileKey("")):
            return await asyncio.to_thread(surveyed, self._folder)

    async def remove(self, found: FoundFile) -> bool:
        with _translated(FileKey("")):
            return await asyncio.to_thread(removed, self._folder, found)


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
        if error.errno in UNSAFE_ERRNOS:
            raise RefusedError(
                "storage.unsafe_path",
                f"{key}: a link stands in the file store where a file or the folder itself should "
                "be; links are not followed: see who writes there, and remove it",
            ) from error
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> UnavailableError:
    reason = error.strerror or type(error).__name__
    if error.errno in _NO_ROOM:
        return UnavailableError(
            f"there is no room in the file store: {reason}; make room in the shared folder",
            code="storage.full",
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
    part.commit(removing=sidecar_name(path.name))


def _write_sidecar(part: PartFile, path: Path, content: bytes) -> None:
    with opened_folder(path.parent) as folder:
        os.close(open_regular(folder, path.name))  # raises when there is nothing to describe
    part.create()
    part.write(content)
    part.seal()
    part.commit()


def _read(folder: Path, key: FileKey) -> bytes:
    with opened_folder(folder) as descriptor:
        return read_regular(descriptor, key)


def _read_sidecar(folder: Path, key: FileKey) -> bytes | None:
    with opened_folder(folder) as descriptor, suppress(FileNotFoundError):
        return read_regular(descriptor, sidecar_name(key), SIDECAR_BYTES_MAX + 1)
    return None


def _holds(folder: Path, key: FileKey, sidecar: Sidecar) -> bool:
    """Return whether size and checksum of the file are those of its sidecar."""
    wanted = sidecar.checksum_sha256 or sidecar.checksum_md5
    digest = hashlib.sha256() if sidecar.checksum_sha256 else hashlib.md5(usedforsecurity=False)
    with opened_folder(folder) as descriptor:
        file = os.fdopen(open_regular(descriptor, key), "rb")
    with file:
        if os.fstat(file.fileno()).st_size != sidecar.file_size_bytes:
            return False
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == wanted


def _delete(folder: Path, key: FileKey) -> bool:
    with opened_folder(folder) as descriptor:
        # The mark first: without it nobody reads the file.
        removed = [remove_name(descriptor, name) for name in (sidecar_name(key), key)]
        if any(removed):
            os.fsync(descriptor)
    return any(removed)


def _committed_keys(folder: Path) -> list[FileKey]:
    with opened_folder(folder) as descriptor, os.scandir(descriptor) as entries:
        names = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    return sorted(
        FileKey(name) for name in names if not name.startswith(".") and sidecar_name(name) in names
    )


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
