"""The part of `FileStore`'s contract that the clean-up relies on; `FileStoreContract` has it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from marketbel_adapters.testing.builders import NOW
from marketbel_adapters.testing.file_builders import a_sidecar, chunks_of
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileKind, FoundFile, Sidecar, file_key
from marketbel_core.ports import FileStore

__all__ = ["FileSurveyContract"]

_SIDECAR: Final = a_sidecar()
_KEY: Final = file_key(_SIDECAR.job_id, at=NOW, filename=_SIDECAR.original_filename)
_ROOMY: Final = 10_000_000


class FileSurveyContract:
    """What every `FileStore` finds and removes; a subclass has a fixture `store`."""

    async def test_nothing_is_found_in_an_empty_store(self, store: FileStore) -> None:
        assert await store.survey() == []

    async def test_a_stored_file_is_found_before_it_has_a_sidecar(self, store: FileStore) -> None:
        await _stored(store, _KEY)

        found = await _only(store)

        assert (found.name, found.kind, found.sidecar) == (_KEY, FileKind.DATA, None)
        assert found.size_bytes == 5
        assert found.owners == {_SIDECAR.job_id}

    async def test_a_file_is_found_with_its_sidecar_as_one(self, store: FileStore) -> None:
        await _stored(store, _KEY, _SIDECAR)

        found = await _only(store)

        assert (found.name, found.kind, found.sidecar) == (_KEY, FileKind.DATA, _SIDECAR)
        assert found.size_bytes >= 5
        assert found.owners == {_SIDECAR.job_id}

    async def test_a_sidecar_makes_a_file_ours_whatever_its_name(self, store: FileStore) -> None:
        await _stored(store, FileKey("list.csv"), _SIDECAR)
        await _stored(store, FileKey("other.csv"))

        found = {each.name: each.kind for each in await store.survey()}

        assert found == {"list.csv": FileKind.DATA, "other.csv": FileKind.STRANGER}

    async def test_what_was_found_is_removed_with_its_sidecar(self, store: FileStore) -> None:
        await _stored(store, _KEY, _SIDECAR)

        assert await store.remove(await _only(store))

        assert await store.survey() == []
        assert await store.keys() == []
        assert await store.sidecar(_KEY) is None

    async def test_what_is_gone_cannot_be_removed_again(self, store: FileStore) -> None:
        await _stored(store, _KEY, _SIDECAR)
        found = await _only(store)
        await store.remove(found)

        assert not await store.remove(found)

    @pytest.mark.parametrize("change", ["a sidecar", "another sidecar", "other bytes"])
    async def test_what_changed_since_is_left_alone(self, store: FileStore, change: str) -> None:
        await _stored(store, _KEY, None if change == "a sidecar" else _SIDECAR)
        found = await _only(store)
        if change == "other bytes":
            await _stored(store, _KEY, _SIDECAR, content=b"others")
        else:
            later = replace(_SIDECAR, downloaded_at=NOW + timedelta(days=1))
            await store.attach(_KEY, later)

        assert not await store.remove(found)

        assert await store.keys() == [_KEY]

    @pytest.mark.parametrize("kind", [FileKind.STRANGER, FileKind.SYMLINK, FileKind.DIRECTORY])
    async def test_what_is_not_ours_is_never_removed(
        self, store: FileStore, kind: FileKind
    ) -> None:
        await _stored(store, FileKey("list.csv"))
        stranger = await _only(store)

        assert not await store.remove(replace(stranger, kind=kind))

        assert await _only(store) == stranger


async def _stored(
    store: FileStore, key: FileKey, sidecar: Sidecar | None = None, *, content: bytes = b"bytes"
) -> None:
    await store.store(key, chunks_of(content), size_bytes_max=_ROOMY)
    if sidecar is not None:
        await store.attach(key, sidecar)


async def _only(store: FileStore) -> FoundFile:
    (found,) = await store.survey()
    return found
