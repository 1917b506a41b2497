"""The contract of `MasterSheet` over every adapter of it, and the forms in which sheets come."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from openpyxl import Workbook

from marketbel_adapters.memory import MemoryFileSource, MemoryMasterSheet
from marketbel_adapters.sources.local import LocalFileSource
from marketbel_adapters.sources.master_sheet import FetchedMasterSheet
from marketbel_adapters.testing.containers import a_workbook, sheet_xml
from marketbel_adapters.testing.master_sheet import LayOut, MasterSheetContract
from marketbel_core.errors import RefusedError
from marketbel_core.ports import MasterSheet

LIMIT = 1_000_000
CSV = "Поставщик;Ссылка;Формат\nАкме;https://x.example/p.xlsx;xlsx\n"


class TestMemoryMasterSheet(MasterSheetContract):
    @pytest.fixture
    def sheet(self) -> MemoryMasterSheet:
        return MemoryMasterSheet()

    @pytest.fixture
    def lay_out(self, sheet: MemoryMasterSheet) -> LayOut:
        numbers = itertools.count()

        async def put(sheets: Mapping[str, list[tuple[str, ...]]]) -> str:
            location = f"book {next(numbers)}"
            for name, rows in sheets.items():
                sheet.put(location, [tuple(row) for row in rows], sheet_name=name)
            return location

        return put


class TestFetchedMasterSheet(MasterSheetContract):
    @pytest.fixture
    def sheet(self, tmp_path: Path) -> MasterSheet:
        return FetchedMasterSheet(LocalFileSource([tmp_path]), size_bytes_max=LIMIT)

    @pytest.fixture
    def lay_out(self, tmp_path: Path) -> LayOut:
        async def save(sheets: Mapping[str, list[tuple[str, ...]]]) -> str:
            book = Workbook()
            for name, rows in sheets.items():
                sheet = book.create_sheet(name)
                for row in rows:
                    sheet.append(row)
            del book["Sheet"]
            book.save(tmp_path / "book.xlsx")
            return "book.xlsx"

        return save


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251"])
async def test_a_csv_file_is_read_whatever_its_encoding(encoding: str) -> None:
    sources = MemoryFileSource()
    sources.put("https://x.example/master.csv", CSV.encode(encoding))

    read = await FetchedMasterSheet(sources, size_bytes_max=LIMIT).read(
        "https://x.example/master.csv", sheet_name="Suppliers"
    )

    assert [row.name for row in read.rows] == ["Акме"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<!doctype html><title>Sign in</title>", "file.type_mismatch"),
        (b"", "file.empty"),
        (b"PK\x03\x04 broken", "xlsx.corrupt"),
    ],
)
async def test_what_is_no_table_is_refused(content: bytes, code: str) -> None:
    sources = MemoryFileSource()
    sources.put("https://x.example/master", content)

    with pytest.raises(RefusedError) as caught:
        await FetchedMasterSheet(sources, size_bytes_max=LIMIT).read("https://x.example/master")

    assert caught.value.code == code


async def test_a_harmful_workbook_ends_its_child_and_nothing_else() -> None:
    sources = MemoryFileSource()
    far = sheet_xml('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    sources.put("https://x.example/master.xlsx", a_workbook(sheet=far))

    with pytest.raises(RefusedError) as caught:
        await FetchedMasterSheet(sources, size_bytes_max=LIMIT).read(
            "https://x.example/master.xlsx"
        )

    assert caught.value.code == "xlsx.sheet_too_large"


async def test_a_path_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "master.csv").write_text(CSV, encoding="utf-8")
    sheet = FetchedMasterSheet(LocalFileSource([tmp_path / "in"]), size_bytes_max=LIMIT)

    with pytest.raises(RefusedError) as caught:
        await sheet.read(str(tmp_path / "master.csv"))

    assert caught.value.code == "storage.unsafe_path"
