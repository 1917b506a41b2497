"""The contract of `FileInspector`, for every adapter of it.

class TestMyFileInspector(FileInspectorContract):
    @pytest.fixture
    def desk(self) -> Desk:
        return Desk(inspector=..., sound=KEY, filename="a.xlsx", facts=FileFacts(...), ...)
"""

from dataclasses import dataclass

import pytest

from marketbel_core.catalog import SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake.stored_file import FileFacts
from marketbel_core.ports import FileInspector, FileStore

__all__ = ["Desk", "FileInspectorContract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An inspector and what lies before it.

    Attributes:
        files: Where it looks.
        sound: A list, whose sender calls it `filename`; `facts` is what it is.
        harmful: A file, whose sender calls it `harmful_filename`, that is refused with `code`.
    """

    inspector: FileInspector
    files: FileStore
    sound: FileKey
    filename: str
    facts: FileFacts
    harmful: FileKey
    harmful_filename: str
    code: str


class FileInspectorContract:
    """What every `FileInspector` keeps; a subclass says which by its fixture `desk`."""

    @pytest.fixture
    def desk(self) -> Desk:
        """An inspector with two files: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `desk`")

    async def test_a_sound_file_has_its_facts(self, desk: Desk) -> None:
        facts = await _inspected(desk, desk.sound, desk.filename)

        assert facts == desk.facts

    async def test_judging_twice_gives_the_same_and_changes_nothing(self, desk: Desk) -> None:
        before = await desk.files.read(desk.sound)

        first = await _inspected(desk, desk.sound, desk.filename)
        second = await _inspected(desk, desk.sound, desk.filename)

        assert first == second
        assert await desk.files.read(desk.sound) == before

    async def test_a_harmful_file_is_refused_with_its_code_and_stays_where_it_is(
        self, desk: Desk
    ) -> None:
        with pytest.raises(RefusedError) as refusal:
            await _inspected(desk, desk.harmful, desk.harmful_filename)

        assert refusal.value.code == desk.code
        assert str(refusal.value)
        assert await desk.files.read(desk.harmful)

    async def test_a_key_without_a_file_is_refused(self, desk: Desk) -> None:
        with pytest.raises(RefusedError) as refusal:
            await _inspected(desk, FileKey("nowhere.xlsx"), "nowhere.xlsx")

        assert refusal.value.code == "storage.missing"


async def _inspected(desk: Desk, key: FileKey, filename: str) -> FileFacts:
    return await desk.inspector.inspect(
        key, filename=filename, mime_type=None, source_type=SourceType.EXCEL
    )
