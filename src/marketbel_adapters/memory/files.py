"""Files and sidecars in two dicts."""

import hashlib
import re
from collections.abc import AsyncIterable
from datetime import datetime
from typing import Final

from marketbel_adapters.memory.environment import ManualClock
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import (
    FileKind,
    FoundFile,
    Sidecar,
    check_names,
    stored_name,
)
from marketbel_core.ports import Clock, FileStore, StoredBytes

__all__ = ["MemoryFileStore"]

_SIDECAR_SUFFIX: Final = ".meta.json"
_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
"""Separators of any system, control characters, and what UTF-8 cannot say."""

_KEY_BYTES_MAX: Final = 255 - len(_SIDECAR_SUFFIX)
"""As strict as a disk, where the sidecar's name must fit as well."""


class MemoryFileStore(FileStore):
    """Keeps bytes as they arrived; refuses the keys that a disk would refuse."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Keep files by `clock`, which says when each changed; without one, time stands still."""
        self._clock = clock or ManualClock()
        self._planted: dict[str, FoundFile] = {}
        self._changed: dict[FileKey, datetime] = {}
        self._files: dict[FileKey, bytes] = {}
        self._sidecars: dict[FileKey, Sidecar] = {}

    async def store(
        self, key: FileKey, chunks: AsyncIterable[bytes], *, size_bytes_max: int
    ) -> StoredBytes:
        _check_key(key)
        content = bytearray()
        async for chunk in chunks:
            content += chunk
            if len(content) > size_bytes_max:
                raise RefusedError(
                    "file.too_large",
                    f"more than the {size_bytes_max} bytes that are taken arrived",
                )
        if not content:
            raise RefusedError("file.empty", "the file is empty; ask the supplier for a full one")
        self._sidecars.pop(key, None)  # it spoke of the bytes that are replaced
        self._files[key] = bytes(content)
        self._changed[key] = self._clock.now()
        return StoredBytes(
            size_bytes=len(content),
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    async def attach(self, key: FileKey, sidecar: Sidecar) -> None:
        _check_key(key)
        await self.read(key)
        self._sidecars[key] = sidecar

    async def sidecar(self, key: FileKey) -> Sidecar | None:
        _check_key(key)
        sidecar = self._sidecars.get(key)
        if sidecar is not None:
            check_names(sidecar, key)
        return sidecar

    async def verify(self, key: FileKey) -> bool:
        _check_key(key)
        sidecar, content = self._sidecars.get(key), self._files.get(key)
        if sidecar is None or content is None or len(content) != sidecar.file_size_bytes:
            return False
        if sidecar.checksum_sha256:
            return hashlib.sha256(content).hexdigest() == sidecar.checksum_sha256
        return hashlib.md5(content, usedforsecurity=False).hexdigest() == sidecar.checksum_md5

    async def read(self, key: FileKey) -> bytes:
        _check_key(key)
        content = self._files.get(key)
        if content is None:
            raise RefusedError("storage.missing", f"no file is stored as {key}")
        return content

    async def delete(self, key: FileKey) -> bool:
        _check_key(key)
        had_sidecar = self._sidecars.pop(key, None) is not None
        return self._files.pop(key, None) is not None or had_sidecar

    def stored_keys(self) -> set[FileKey]:
        """Return the keys of all files, those without a sidecar included."""
        return set(self._files)

    async def keys(self) -> list[FileKey]:
        return sorted(self._sidecars)

    async def survey(self) -> list[FoundFile]:
        stored = [self._found(key) for key in self._files]
        return sorted([*stored, *self._planted.values()], key=lambda found: found.name)

    async def remove(self, found: FoundFile) -> bool:
        key = FileKey(found.name)
        if found.kind not in {FileKind.DATA, FileKind.SIDECAR, FileKind.PART}:
            return False
        if self._planted.get(found.name) == found:
            return self._planted.pop(found.name) is not None
        if key not in self._files or self._found(key) != found:
            return False
        return await self.delete(key)

    def plant(self, found: FoundFile) -> None:
        """Have something lie here that no method of a store puts there: a stranger's, a part."""
        self._planted[found.name] = found

    def _found(self, key: FileKey) -> FoundFile:
        sidecar = self._sidecars.get(key)
        ours = sidecar is not None or stored_name(key) is not None
        return FoundFile(
            name=key,
            kind=FileKind.DATA if ours else FileKind.STRANGER,
            size_bytes=len(self._files[key]),
            modified_at=self._changed[key],
            sidecar=sidecar,
        )


def _check_key(key: FileKey) -> None:
    plain = (
        key
        and not key.startswith(".")
        and not key.endswith(_SIDECAR_SUFFIX)
        and not _UNSAFE.search(key)
        and len(key.encode()) <= _KEY_BYTES_MAX
    )
    if not plain:
        raise RefusedError("storage.unsafe_path", f"{key[:64]!r} is not a plain file name")
