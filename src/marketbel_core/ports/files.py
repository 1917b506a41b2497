"""Where carried files rest, by key, and who judges them before anybody reads them."""

from abc import abstractmethod
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import SourceType
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileFacts, FoundFile, Sidecar

__all__ = ["FileInspector", "FileStore", "StoredBytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBytes:
    """What arrived: the size and the checksums (lower-case hexadecimal) of a stored file."""

    size_bytes: int
    md5: str
    sha256: str


@runtime_checkable
class FileStore(Protocol):
    """Keeps files and their sidecars. Contract: `marketbel_adapters.testing.files`."""

    @abstractmethod
    async def store(
        self, key: FileKey, chunks: AsyncIterable[bytes], *, size_bytes_max: int
    ) -> StoredBytes:
        """Keep the bytes under `key`, whole or not at all; a stored key is replaced.

        Raises:
            RefusedError: nothing arrived (`file.empty`), more than `size_bytes_max` arrived
                (`file.too_large`), or the key is no plain name (`storage.unsafe_path`).
            UnavailableError: there is no room, or the store cannot be written
                (`storage.full`, `storage.unavailable`). Nothing is left behind.
        """

    @abstractmethod
    async def attach(self, key: FileKey, sidecar: Sidecar) -> None:
        """Write the sidecar beside the file, whole or not at all: the commit mark.

        Raises:
            RefusedError: no file is stored under `key` (`storage.missing`).
            UnavailableError: as for `store`.
        """

    @abstractmethod
    async def sidecar(self, key: FileKey) -> Sidecar | None:
        """Return the sidecar, or `None` when there is none.

        Raises:
            RefusedError: it speaks of another job or file (`meta.mismatch`, see `check_names`).
            ProtocolError: it is damaged (`meta.corrupt`).
        """

    @abstractmethod
    async def verify(self, key: FileKey) -> bool:
        """Return whether the file is there as its sidecar says: the same size and checksum.

        Where nothing vouches for the file (no sidecar, a damaged one, that of another file, a
        link in its place), that is `False`.

        Raises:
            RefusedError: the key is no plain name (`storage.unsafe_path`).
            UnavailableError: the store cannot be read (`storage.unavailable`).
        """

    @abstractmethod
    async def read(self, key: FileKey) -> bytes:
        """Return the bytes as they were stored.

        Raises:
            RefusedError: no file is stored under `key` (`storage.missing`).
        """

    @abstractmethod
    async def delete(self, key: FileKey) -> bool:
        """Remove the file and its sidecar; return whether there was anything to remove."""

    @abstractmethod
    async def keys(self) -> list[FileKey]:
        """Return the keys of all files that have a sidecar, sorted."""

    @abstractmethod
    async def survey(self) -> list[FoundFile]:
        """Return all that lies in the store, whoever put it there, by name.

        A sidecar beside its file is not listed by itself.

        Raises:
            UnavailableError: the store cannot be read (`storage.unavailable`).
        """

    @abstractmethod
    async def remove(self, found: FoundFile) -> bool:
        """Remove what `survey` found, with its sidecar, if it is still the same.

        Return whether it was removed: what changed or went since is left alone, and so is what is
        not ours. No link is followed.

        Raises:
            UnavailableError: it could not be removed, or not now (`storage.unavailable`).
        """


@runtime_checkable
class FileInspector(Protocol):
    """Judges stored files by their content. Contract: `marketbel_adapters.testing.inspector`."""

    @abstractmethod
    async def inspect(
        self,
        key: FileKey,
        *,
        filename: str,
        mime_type: str | None,
        source_type: SourceType,
        sheet_name: str | None = None,
    ) -> FileFacts:
        """Return what the stored file is; it is neither changed nor removed.

        Args:
            key: Under which it is stored; a sidecar is not needed.
            filename: As the sender named it.
            mime_type: As the source announced it.
            source_type: How the supplier publishes.
            sheet_name: The only sheet that will be read; `None` means all.

        Raises:
            RefusedError: it is no price list, or one that harms (`file.*`, `xlsx.*`, `csv.*`,
                `pdf.*`), or nothing is stored under `key` (`storage.missing`).
            UnavailableError: it cannot be judged now (`check.unavailable`, `extra.missing`,
                `storage.unavailable`).
        """
