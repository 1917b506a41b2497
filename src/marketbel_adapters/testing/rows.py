"""The contract of `RowReader`, for every adapter of it.

class TestMyRowReader(RowReaderContract):
    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf(
            reader=..., sound=KEY, rows=ReadRows(...), damaged=OTHER_KEY,
            layout=GivenLayout(...), rows_by_layout=ReadRows(...),
        )
"""

from dataclasses import dataclass, replace

import pytest

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake import ReadRows
from marketbel_core.ports import RowReader, whole

__all__ = ["RowReaderContract", "Shelf", "told"]

_FAMILIES = ("file.", "xlsx.", "csv.", "pdf.", "storage.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A reader and what lies before it.

    Attributes:
        sound: A list with accepted and rejected rows; `rows` is what it says, its sheets aside.
        damaged: A file of the same type that is no price list.
        layout: What may be said about the sound list so that it says something else;
            `rows_by_layout` is what it says then.
    """

    reader: RowReader
    sound: FileKey
    rows: ReadRows
    damaged: FileKey
    layout: GivenLayout
    rows_by_layout: ReadRows
    file_type: FileType = FileType.EXCEL


def told(rows: ReadRows) -> ReadRows:
    """Return what was read without the sheets' own figures."""
    return replace(rows, sheets=())


class RowReaderContract:
    """What every `RowReader` keeps; a subclass says which by its fixture `shelf`."""

    @pytest.fixture
    def shelf(self) -> Shelf:
        """A reader with two files: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `shelf`")

    async def test_a_list_gives_its_rows(self, shelf: Shelf) -> None:
        rows = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))

        assert told(rows) == told(shelf.rows)

    async def test_reading_twice_gives_the_same(self, shelf: Shelf) -> None:
        first = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))
        second = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))

        assert first == second

    async def test_a_row_is_accepted_or_rejected_and_never_both(self, shelf: Shelf) -> None:
        rows = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))

        accepted = [(row.sheet, row.row_number) for row in rows.accepted]
        rejected = [(row.sheet, row.row_number) for row in rows.rejected]

        assert accepted
        assert rejected
        assert len({*accepted, *rejected}) == len(accepted) + len(rejected)
        assert min(number for _, number in [*accepted, *rejected]) >= 1

    async def test_each_price_list_ends_with_its_figures(self, shelf: Shelf) -> None:
        rows = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))

        lists = {sheet.name: sheet for sheet in rows.sheets if sheet.is_price_list}
        assert lists.keys() >= {row.sheet for row in rows.accepted}
        for name, sheet in lists.items():
            accepted = [row for row in rows.accepted if row.sheet == name]
            assert sheet.items == len(accepted)
            assert sheet.rejected == sum(row.sheet == name for row in rows.rejected)
            assert sheet.no_price == sum(row.sheet == name for row in rows.unpriced)
            assert round(sheet.price_sum, 2) == sum(row.price.amount for row in accepted)

    async def test_a_rejection_says_why(self, shelf: Shelf) -> None:
        rows = await whole(shelf.reader.read(shelf.sound, file_type=shelf.file_type))

        for row in rows.rejected:
            assert row.code.startswith("row.")
            assert row.message
            assert row.column in {"name", "price", "sku"}

    async def test_one_sheet_can_be_asked_for(self, shelf: Shelf) -> None:
        sheet = shelf.rows.accepted[0].sheet

        rows = await whole(
            shelf.reader.read(shelf.sound, file_type=shelf.file_type, sheet_name=sheet)
        )

        assert list(rows.accepted) == [row for row in shelf.rows.accepted if row.sheet == sheet]

    async def test_what_was_said_about_a_list_wins(self, shelf: Shelf) -> None:
        rows = await whole(
            shelf.reader.read(shelf.sound, file_type=shelf.file_type, layout=shelf.layout)
        )

        assert told(rows) == told(shelf.rows_by_layout) != told(shelf.rows)

    async def test_a_layout_that_says_nothing_changes_nothing(self, shelf: Shelf) -> None:
        rows = await whole(
            shelf.reader.read(shelf.sound, file_type=shelf.file_type, layout=GivenLayout())
        )

        assert told(rows) == told(shelf.rows)

    async def test_a_layout_does_not_make_a_list_of_a_damaged_file(self, shelf: Shelf) -> None:
        with pytest.raises(RefusedError):
            await whole(
                shelf.reader.read(shelf.damaged, file_type=shelf.file_type, layout=shelf.layout)
            )

    async def test_a_damaged_file_is_refused(self, shelf: Shelf) -> None:
        with pytest.raises(RefusedError) as caught:
            await whole(shelf.reader.read(shelf.damaged, file_type=shelf.file_type))

        assert caught.value.code.startswith(_FAMILIES)

    async def test_a_key_without_a_file_is_refused(self, shelf: Shelf) -> None:
        with pytest.raises(RefusedError) as caught:
            await whole(shelf.reader.read(FileKey("nowhere.xlsx"), file_type=shelf.file_type))

        assert caught.value.code == "storage.missing"
