"""Files and sidecars in two dicts."""

import hashlib
import re
from collections.abc import AsyncIterable
from typing import Final

from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import Sidecar, check_names
from marketbel_core.ports import FileStore, StoredBytes

__all__ = ["MemoryFileStore"]

_SIDECAR_SUFFIX: Final = ".meta.json"
_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
"""Separators of any system, control characters, and what UTF-8 cannot say."""

_KEY_BYTES_MAX: Final = 255 - len(_SIDECAR_SUFFIX)
"""As strict as a disk, where the sidecar's name must fit as well."""


class MemoryFileStore(FileStore):
    """Keeps bytes as they arrived; refuses the keys that a disk would refuse."""

    def __init__(self) -> None:
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
