"""The contract of `MasterSheet`, for every adapter of it.

A subclass says which adapter by its fixtures `sheet` and `lay_out`; the latter puts a workbook
where the adapter finds it, and returns its location.
"""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from marketbel_core.errors import RefusedError
from marketbel_core.ports import MasterSheet

__all__ = ["LayOut", "MasterSheetContract"]

type LayOut = Callable[[Mapping[str, list[tuple[str, ...]]]], Awaitable[str]]
"""Puts a workbook with these sheets somewhere and returns where."""

_HEADER = ("Supplier Name", "Source URL", "Format")
_URL = "https://x.example/list.csv"


class MasterSheetContract:
    """What every `MasterSheet` keeps."""

    @pytest.fixture
    def sheet(self) -> MasterSheet:
        """The adapter: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `sheet`")

    @pytest.fixture
    def lay_out(self) -> LayOut:
        """Lays a workbook out: the subclass overrides this."""
        raise TypeError(f"{type(self).__name__} must override the fixture `lay_out`")

    async def test_the_usual_sheet_is_read_wherever_it_stands(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Other": [("x",)], "suppliers": _rows("Acme")})

        read = await sheet.read(location)

        assert [(row.row_number, row.name) for row in read.rows] == [(2, "Acme")]

    async def test_without_the_usual_sheet_the_first_one_is_read(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Лист1": _rows("Acme"), "Лист2": _rows("Other")})

        assert [row.name for row in (await sheet.read(location)).rows] == ["Acme"]

    async def test_a_sheet_that_was_named_is_read(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Suppliers": _rows("Acme"), "Лист2": _rows("Other")})

        read = await sheet.read(location, sheet_name=" лист2")

        assert [row.name for row in read.rows] == ["Other"]

    async def test_a_sheet_that_was_named_and_is_not_there_is_refused(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Suppliers": _rows("Acme")})

        with pytest.raises(RefusedError, match="Suppliers") as caught:
            await sheet.read(location, sheet_name="Лист2")

        assert caught.value.code == "xlsx.sheet_missing"

    async def test_bad_rows_are_skipped_and_told(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Suppliers": [*_rows("Acme"), ("B", _URL, "docx")]})

        read = await sheet.read(location)

        assert [(row.row_number, row.code) for row in read.skipped] == [(3, "sheet.bad_format")]

    async def test_what_is_no_master_sheet_is_refused(
        self, sheet: MasterSheet, lay_out: LayOut
    ) -> None:
        location = await lay_out({"Suppliers": [("Артикул", "Цена"), ("A-1", "2")]})

        with pytest.raises(RefusedError) as caught:
            await sheet.read(location)

        assert caught.value.code == "sheet.columns"


def _rows(name: str) -> list[tuple[str, ...]]:
    return [_HEADER, (name, _URL, "csv")]
