"""The contract of `FileSource`, for every adapter of it.

class TestMyFileSource(FileSourceContract):
    @pytest.fixture
    async def shelf(self) -> AsyncIterator[SourceShelf]:
        async with my_shelf() as opened:
            yield opened
"""

from abc import abstractmethod
from typing import Final, Protocol

import pytest

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import RefusedError
from marketbel_core.ports import FileSource

__all__ = ["FileSourceContract", "SourceShelf"]

# Bytes that text modes, codings and end-of-line repairs would change; several chunks of them.
_CONTENT: Final = b"\x1f\x8b\xef\xbb\xbf\r\n\r\x00\x1a\xff" * 20_000 + b"\n"
_ROOMY: Final = 10_000_000


class SourceShelf(Protocol):
    """A place that the source under test opens, and how a test puts files there."""

    @property
    @abstractmethod
    def source(self) -> FileSource:
        """The source under test."""

    @abstractmethod
    def put(self, content: bytes, *, filename: str) -> SourceRef:
        """Put a file there without the source's help; return where it is."""

    @abstractmethod
    def missing(self) -> SourceRef:
        """Return a place like the others where nothing is."""


class FileSourceContract:
    """What every `FileSource` keeps; a subclass says which by its fixture `shelf`."""

    @pytest.fixture
    def shelf(self) -> SourceShelf:
        """An empty shelf: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `shelf`")

    async def test_the_bytes_arrive_unchanged(self, shelf: SourceShelf) -> None:
        place = shelf.put(_CONTENT, filename="prices.xlsx")

        arrived = await _fetched(shelf.source, place)

        assert arrived == _CONTENT

    async def test_the_name_is_told_without_folders(self, shelf: SourceShelf) -> None:
        place = shelf.put(b"name;price\n", filename="prices.csv")

        async with shelf.source.open(place, size_bytes_max=_ROOMY) as incoming:
            assert incoming.filename == "prices.csv"

    async def test_an_announced_size_is_the_size(self, shelf: SourceShelf) -> None:
        place = shelf.put(_CONTENT, filename="prices.csv")

        async with shelf.source.open(place, size_bytes_max=_ROOMY) as incoming:
            assert incoming.size_bytes in {None, len(_CONTENT)}

    async def test_a_file_as_large_as_allowed_arrives(self, shelf: SourceShelf) -> None:
        place = shelf.put(_CONTENT, filename="prices.csv")

        arrived = await _fetched(shelf.source, place, size_bytes_max=len(_CONTENT))

        assert arrived == _CONTENT

    async def test_a_file_one_byte_too_large_is_refused(self, shelf: SourceShelf) -> None:
        place = shelf.put(_CONTENT, filename="prices.csv")

        with pytest.raises(RefusedError) as refusal:
            await _fetched(shelf.source, place, size_bytes_max=len(_CONTENT) - 1)

        assert refusal.value.code == "file.too_large"

    async def test_an_empty_file_gives_no_bytes(self, shelf: SourceShelf) -> None:
        place = shelf.put(b"", filename="prices.csv")

        assert await _fetched(shelf.source, place) == b""

    async def test_a_file_that_is_not_there_is_refused(self, shelf: SourceShelf) -> None:
        with pytest.raises(RefusedError):
            await _fetched(shelf.source, shelf.missing())

    async def test_a_reader_may_leave_early_and_come_back(self, shelf: SourceShelf) -> None:
        place = shelf.put(_CONTENT, filename="prices.csv")

        async with shelf.source.open(place, size_bytes_max=_ROOMY) as incoming:
            first = await anext(incoming.chunks)

        assert _CONTENT.startswith(first)
        assert await _fetched(shelf.source, place) == _CONTENT


async def _fetched(source: FileSource, place: SourceRef, *, size_bytes_max: int = _ROOMY) -> bytes:
    async with source.open(place, size_bytes_max=size_bytes_max) as incoming:
        return b"".join([chunk async for chunk in incoming.chunks])
