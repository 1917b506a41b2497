"""The contract of `FileStore`, for every adapter of it.

class TestMyFileStore(FileStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FileStore:
        return MyFileStore(tmp_path)
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Any, Final

import pytest

from marketbel_adapters.testing.builders import NOW, fresh_id
from marketbel_adapters.testing.file_builders import a_sidecar, chunks_of
from marketbel_adapters.testing.files_survey import FileSurveyContract
from marketbel_core.errors import RefusedError, UnavailableError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.stored_file import file_key
from marketbel_core.ports import FileStore, StoredBytes

__all__ = ["FileStoreContract", "a_sidecar", "chunks_of"]

_ROOMY: Final = 10_000_000
_KEY: Final = FileKey("list_1.xlsx")
_LONG_KEY: Final = file_key(JobId(fresh_id()), at=NOW, filename="Прайс " * 40 + ".xlsx")
_UNSAFE_KEYS: Final = [
    "",
    ".",
    "..",
    ".hidden",
    "folder/file",
    "/etc/passwd",
    "..\\file",
    "nul\x00byte",
    "new\nline",
    "lone\ud800surrogate",
    "x" * 256,
    "ж" * 128,
    "list.xlsx.meta.json",
]


class FileStoreContract(FileSurveyContract):
    """What every `FileStore` keeps; a subclass says which store by its fixture `store`."""

    @pytest.fixture
    def store(self) -> FileStore:
        """An empty store: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `store`")

    async def test_bytes_come_back_as_they_arrived(self, store: FileStore) -> None:
        content = b"\r\n\x00\x1a\xff" * 30_000

        stored = await _stored(store, _KEY, content)

        assert await store.read(_KEY) == content
        assert stored == StoredBytes(
            size_bytes=len(content),
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    async def test_the_longest_key_that_a_job_gives_is_taken(self, store: FileStore) -> None:
        await _stored(store, _LONG_KEY, b"bytes")
        await store.attach(_LONG_KEY, a_sidecar())

        assert await store.keys() == [_LONG_KEY]

    async def test_a_file_is_listed_from_its_sidecar_on(self, store: FileStore) -> None:
        await _stored(store, FileKey("b.csv"), b"bytes")
        await _stored(store, FileKey("a.csv"), b"bytes")
        assert await store.keys() == []

        await store.attach(FileKey("b.csv"), a_sidecar())
        await store.attach(FileKey("a.csv"), a_sidecar())

        assert await store.keys() == ["a.csv", "b.csv"]

    async def test_a_sidecar_comes_back_as_it_was_attached(self, store: FileStore) -> None:
        sidecar = a_sidecar()
        await _stored(store, _KEY, b"bytes")

        await store.attach(_KEY, sidecar)

        assert await store.sidecar(_KEY) == sidecar

    async def test_the_last_sidecar_stays(self, store: FileStore) -> None:
        later = replace(a_sidecar(), supplier_name="Later")
        await _stored(store, _KEY, b"bytes")

        await store.attach(_KEY, a_sidecar())
        await store.attach(_KEY, later)

        assert await store.sidecar(_KEY) == later

    @pytest.mark.parametrize(
        "lie",
        [{"job_id": JobId(fresh_id())}, {"original_filename": "../../other.xlsx"}],
        ids=["job", "name"],
    )
    async def test_a_sidecar_that_speaks_of_another_file_is_refused(
        self, store: FileStore, lie: dict[str, Any]
    ) -> None:
        sidecar = a_sidecar()
        key = file_key(sidecar.job_id, at=NOW, filename=sidecar.original_filename)
        await _stored(store, key, b"bytes")
        await store.attach(key, sidecar)
        honest = await store.sidecar(key)
        await store.attach(key, replace(sidecar, **lie))

        with pytest.raises(RefusedError) as refusal:
            await store.sidecar(key)

        assert honest == sidecar
        assert refusal.value.code == "meta.mismatch"

    async def test_a_file_without_a_sidecar_has_none(self, store: FileStore) -> None:
        await _stored(store, _KEY, b"bytes")

        assert await store.sidecar(_KEY) is None

    async def test_a_sidecar_needs_its_file(self, store: FileStore) -> None:
        with pytest.raises(RefusedError) as refusal:
            await store.attach(_KEY, a_sidecar())

        assert refusal.value.code == "storage.missing"
        assert await store.sidecar(_KEY) is None

    async def test_what_is_not_stored_cannot_be_read(self, store: FileStore) -> None:
        with pytest.raises(RefusedError) as refusal:
            await store.read(_KEY)

        assert refusal.value.code == "storage.missing"

    async def test_a_replaced_file_waits_for_a_sidecar_of_its_own(self, store: FileStore) -> None:
        await _stored(store, _KEY, b"old")
        await store.attach(_KEY, a_sidecar())

        await _stored(store, _KEY, b"new")

        assert await store.read(_KEY) == b"new"
        assert await store.sidecar(_KEY) is None
        assert await store.keys() == []

    async def test_a_file_is_verified_by_size_and_checksum(self, store: FileStore) -> None:
        await _attached(store, FileKey("whole.csv"), b"bytes")
        await _attached(store, FileKey("shorter.csv"), b"bytes", stored=b"byte")
        await _attached(store, FileKey("other.csv"), b"bytes", stored=b"bytez")
        await _attached(store, FileKey("older.csv"), b"bytes", sha256="")
        await _attached(store, FileKey("older-other.csv"), b"bytes", stored=b"bytez", sha256="")
        await _stored(store, FileKey("unmarked.csv"), b"bytes")
        names = ["whole", "shorter", "other", "older", "older-other", "unmarked", "missing"]

        held = [name for name in names if await store.verify(FileKey(f"{name}.csv"))]

        assert held == ["whole", "older"]

    async def test_a_deleted_file_is_gone_with_its_sidecar(self, store: FileStore) -> None:
        await _stored(store, _KEY, b"bytes")
        await store.attach(_KEY, a_sidecar())

        assert await store.delete(_KEY)

        assert await store.sidecar(_KEY) is None
        assert await store.keys() == []
        assert not await store.delete(_KEY)
        with pytest.raises(RefusedError):
            await store.read(_KEY)

    async def test_an_empty_file_is_refused(self, store: FileStore) -> None:
        with pytest.raises(RefusedError) as refusal:
            await _stored(store, _KEY, b"")

        assert refusal.value.code == "file.empty"
        assert not await store.delete(_KEY)

    async def test_a_file_one_byte_too_large_is_refused(self, store: FileStore) -> None:
        with pytest.raises(RefusedError) as refusal:
            await _stored(store, _KEY, b"12345", size_bytes_max=4)

        assert refusal.value.code == "file.too_large"
        assert not await store.delete(_KEY)

    async def test_a_file_as_large_as_allowed_is_kept(self, store: FileStore) -> None:
        await _stored(store, _KEY, b"12345", size_bytes_max=5)

        assert await store.read(_KEY) == b"12345"

    async def test_a_source_that_breaks_leaves_what_was_there(self, store: FileStore) -> None:
        sidecar = a_sidecar()
        await _stored(store, _KEY, b"old")
        await store.attach(_KEY, sidecar)

        with pytest.raises(UnavailableError, match="cut"):
            await store.store(_KEY, _breaking(), size_bytes_max=_ROOMY)

        assert await store.read(_KEY) == b"old"
        assert await store.sidecar(_KEY) == sidecar

    async def test_a_cancelled_store_leaves_nothing(self, store: FileStore) -> None:
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"first"
            begun.set()
            await asyncio.Event().wait()
            yield b"never"

        storing = asyncio.create_task(store.store(_KEY, endless(), size_bytes_max=_ROOMY))
        await begun.wait()
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing

        assert not await store.delete(_KEY)

    async def test_of_two_writers_at_once_one_wins_whole(self, store: FileStore) -> None:
        contents = [b"a" * 300_000, b"b" * 300_000]

        await asyncio.gather(*(_stored(store, _KEY, content) for content in contents))

        assert await store.read(_KEY) in contents

    @pytest.mark.parametrize("text", _UNSAFE_KEYS, ids=ascii)
    async def test_a_key_that_is_no_plain_name_is_refused(
        self, store: FileStore, text: str
    ) -> None:
        key = FileKey(text)
        asks: list[Coroutine[object, object, object]] = [
            _stored(store, key, b"bytes"),
            store.attach(key, a_sidecar()),
            store.sidecar(key),
            store.verify(key),
            store.read(key),
            store.delete(key),
        ]

        refusals = await asyncio.gather(*asks, return_exceptions=True)

        codes = [getattr(refusal, "code", refusal) for refusal in refusals]
        assert codes == ["storage.unsafe_path"] * len(asks)


async def _breaking() -> AsyncIterator[bytes]:
    yield b"half"
    raise UnavailableError("the line was cut", code="http.truncated")


async def _stored(
    store: FileStore, key: FileKey, content: bytes, *, size_bytes_max: int = _ROOMY
) -> StoredBytes:
    return await store.store(key, chunks_of(content), size_bytes_max=size_bytes_max)


async def _attached(
    store: FileStore,
    key: FileKey,
    content: bytes,
    *,
    stored: bytes | None = None,
    sha256: str | None = None,
) -> None:
    """Store `stored` beside a sidecar that speaks of `content`."""
    await _stored(store, key, content if stored is None else stored)
    sidecar = replace(
        a_sidecar(),
        file_size_bytes=len(content),
        checksum_md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        checksum_sha256=hashlib.sha256(content).hexdigest() if sha256 is None else sha256,
    )
    await store.attach(key, sidecar)
