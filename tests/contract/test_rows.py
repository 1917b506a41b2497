"""The contract of `RowReader` over every adapter, and what local reading does with real files."""

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from unittest.mock import Mock, patch

import openpyxl
import pytest
from python_calamine import PasswordError

from marketbel_adapters.memory.files import MemoryFileStore
from marketbel_adapters.memory.rows import ScriptedRowReader
from marketbel_adapters.sources import workbook_grids as workbooks
from marketbel_adapters.sources.confining import (
    ChildDiedError,
    ChildEnd,
    ChildLimits,
    frames_of_confined,
)
from marketbel_adapters.sources.delimited import delimited_grid
from marketbel_adapters.sources.reading import Wish
from marketbel_adapters.sources.rows import LocalRowReader, read_path
from marketbel_adapters.sources.workbook_grids import workbook_grids
from marketbel_adapters.testing.rows import RowReaderContract, Shelf
from marketbel_core.catalog import FileType, GivenLayout, Money
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey
from marketbel_core.intake import (
    AcceptedRow,
    Grid,
    ReadRows,
    RowRejection,
    SheetSummary,
    UnpricedRow,
)
from marketbel_core.ports import RowReader, whole

SOUND = FileKey("list.xlsx")
DAMAGED = FileKey("damaged.xlsx")
PROSE = "Уважаемые коллеги!\nПрайс пришлём завтра.\n".encode()


def a_workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


TWO_SHEETS = a_workbook(
    Основной=[
        ["Код", "Наименование", "Цена"],
        ["01", "Хлеб", 1.5],
        ["02", "Соль", "звоните"],
        ["04", "Мел", "от 1 до 2"],
    ],
    Остатки=[["Код", "Наименование", "Цена"], ["03", "Чай", 4]],
)


def accepted(sheet: str, number: int, sku: str, name: str, price: str) -> AcceptedRow:
    return AcceptedRow(
        sheet=sheet, row_number=number, sku=sku, name=name, price=Money(Decimal(price))
    )


def refused(number: int, sku: str, name: str, price: str) -> RowRejection:
    return RowRejection(
        sheet="Основной",
        row_number=number,
        column="price",
        value=price,
        code="row.price_unreadable",
        message=f"the price cannot be read: {price!r} is not one price",
        cells={"Код": sku, "Наименование": name, "Цена": price},
    )


def unpriced(number: int, sku: str, name: str) -> UnpricedRow:
    return UnpricedRow(
        sheet="Основной",
        row_number=number,
        sku=sku,
        name=name,
        value="звоните",
        message="no price is given: 'звоните'",
        cells={"Код": "02", "Наименование": "Соль", "Цена": "звоните"},
    )


ROWS = ReadRows(
    accepted=(
        accepted("Основной", 2, "01", "Хлеб", "1.50"),
        accepted("Остатки", 2, "03", "Чай", "4.00"),
    ),
    rejected=(refused(4, "04", "Мел", "от 1 до 2"),),
    unpriced=(unpriced(3, "02", "Соль"),),
    sheets=(
        SheetSummary(
            name="Основной",
            is_price_list=True,
            items=1,
            rejected=1,
            no_price=1,
            price_sum=Decimal("1.5"),
        ),
        SheetSummary(name="Остатки", is_price_list=True, items=1, price_sum=Decimal(4)),
    ),
)


LAYOUT = GivenLayout(
    column_mapping={"sku": "наименование", "name": "Код", "price": "Цена"}, data_start_row=3
)
BY_LAYOUT = ReadRows(
    accepted=(),
    rejected=(refused(4, "04", "Мел", "от 1 до 2"),),
    unpriced=(unpriced(3, "Соль", "02"),),
)
"""Names and codes change places, and the first item is no item."""


def a_shelf(reader: RowReader) -> Shelf:
    return Shelf(
        reader=reader,
        sound=SOUND,
        rows=ROWS,
        damaged=DAMAGED,
        layout=LAYOUT,
        rows_by_layout=BY_LAYOUT,
    )


async def stored(**files: bytes) -> MemoryFileStore:
    store = MemoryFileStore()
    for name, content in files.items():
        await store.store(FileKey(name), chunks(content), size_bytes_max=1 << 30)
    return store


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def read(
    content: bytes,
    file_type: FileType,
    sheet_name: str | None = None,
    layout: GivenLayout | None = None,
) -> ReadRows:
    reader = LocalRowReader(await stored(file=content))
    return await whole(
        reader.read(FileKey("file"), file_type=file_type, sheet_name=sheet_name, layout=layout)
    )


class TestScriptedRowReader(RowReaderContract):
    @pytest.fixture
    def shelf(self) -> Shelf:
        refused = RefusedError("xlsx.corrupt", "the workbook cannot be opened")
        reader = ScriptedRowReader({SOUND: ROWS})
        reader.tell(DAMAGED, refused)
        reader.tell(SOUND, BY_LAYOUT, layout=LAYOUT)
        return a_shelf(reader)


class TestLocalRowReader(RowReaderContract):
    @pytest.fixture
    async def shelf(self) -> Shelf:
        store = await stored(**{SOUND: TWO_SHEETS, DAMAGED: TWO_SHEETS[:700]})
        return a_shelf(LocalRowReader(store))


@pytest.mark.parametrize(
    ("content", "file_type", "code"),
    [
        (b"", FileType.CSV, "file.empty"),
        (b" \r\n\r\n", FileType.EXCEL, "file.empty"),
        (b"%PDF-1.7 and so on", FileType.EXCEL, "pdf.corrupt"),
        (b"name;price", FileType.PDF, "file.no_price_list"),
        (b"<!DOCTYPE html><title>Sign in</title>", FileType.CSV, "file.type_mismatch"),
        (PROSE, FileType.CSV, "file.no_price_list"),
        (b"name;price\nTea\x00;1\n", FileType.CSV, "csv.encoding"),
        (b"PK\x03\x04 no archive", FileType.EXCEL, "xlsx.corrupt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook", FileType.EXCEL, "xlsx.corrupt"),
        (a_workbook(Пусто=[]), FileType.EXCEL, "file.no_price_list"),
    ],
)
async def test_what_is_no_price_list_is_refused(
    content: bytes, file_type: FileType, code: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await read_any(content, file_type)

    assert caught.value.code == code


def text_grid(content: bytes, **said: str) -> Grid:
    """Return the only sheet of a text, its rows at hand."""
    grid = delimited_grid(BytesIO(content), **said)
    return Grid(name=grid.name, rows=tuple(map(tuple, grid.rows)))


def sheets_of(content: bytes, sheet_name: str | None = None) -> list[Grid]:
    """Return the sheets of a workbook, their rows at hand."""
    grids, _ = workbook_grids(BytesIO(content), sheet_name=sheet_name)
    return [Grid(name=grid.name, rows=tuple(map(tuple, grid.rows))) for grid in grids]


async def read_any(content: bytes, file_type: FileType) -> ReadRows:
    """Read bytes that no store would take, too: an empty file never reaches one."""

    class _Store(MemoryFileStore):
        async def read(self, key: FileKey) -> bytes:  # noqa: ARG002  # one file only
            return content

    return await whole(LocalRowReader(_Store()).read(FileKey("file"), file_type=file_type))


async def test_a_csv_called_xls_is_read_by_what_is_inside() -> None:
    content = "Артикул;Название;Цена\n007;Молоко;1 234,56\n".encode("cp1251")

    rows = await read(content, FileType.EXCEL, "Sheet1")

    assert [(row.sku, row.name, row.price.amount) for row in rows.accepted] == [
        ("007", "Молоко", Decimal("1234.56"))
    ]


async def test_a_workbook_called_csv_is_read_by_what_is_inside() -> None:
    rows = await read(TWO_SHEETS, FileType.CSV)

    assert (rows.accepted, rows.rejected) == (ROWS.accepted, ROWS.rejected)


async def test_a_missing_sheet_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(RefusedError, match="'Основной', 'Остатки'") as caught:
        await read(TWO_SHEETS, FileType.EXCEL, "Лист1")

    assert caught.value.code == "xlsx.sheet_missing"


async def test_the_neighbours_name_for_any_sheet_means_the_first_where_there_is_none() -> None:
    named = a_workbook(Первый=[["x"]], Sheet1=[["Товар", "Цена"], ["Соль", 5]])

    first = await read(TWO_SHEETS, FileType.EXCEL, " sheet1")
    own = await read(named, FileType.EXCEL, "Sheet1")

    assert {row.sheet for row in first.accepted} == {"Основной"}
    assert {row.sheet for row in own.accepted} == {"Sheet1"}


async def test_a_workbook_without_a_column_that_was_named_is_refused() -> None:
    layout = GivenLayout(column_mapping={"price": "Preis"})

    with pytest.raises(
        RefusedError, match=r"'Preis' \(price\).*'Код', 'Наименование', 'Цена'"
    ) as it:
        await read(TWO_SHEETS, FileType.CSV, layout=layout)

    assert it.value.code == "xlsx.header"


async def test_a_text_without_a_column_that_was_named_is_refused() -> None:
    layout = GivenLayout(column_mapping={"price": "Preis"})

    with pytest.raises(RefusedError, match=r"'Preis' \(price\).*'Name', 'Price'") as caught:
        await read(b"Name,Price\nTea,1\n", FileType.EXCEL, layout=layout)

    assert caught.value.code == "csv.header"


async def test_delimiter_and_encoding_are_those_that_were_said() -> None:
    content = "Товар;Цена, нетто\nЧай, чёрный;1,5\n".encode("cp866")
    layout = GivenLayout(delimiter=";", encoding="IBM866")

    rows = await read(content, FileType.CSV, layout=layout)

    assert [(row.name, row.price.amount) for row in rows.accepted] == [
        ("Чай, чёрный", Decimal("1.50"))
    ]


async def test_a_hidden_sheet_is_read_only_when_asked_for() -> None:
    book = openpyxl.load_workbook(BytesIO(TWO_SHEETS))
    book["Остатки"].sheet_state = "hidden"
    content = BytesIO()
    book.save(content)

    everything = sheets_of(content.getvalue())
    asked = sheets_of(content.getvalue(), sheet_name="остатки ")

    assert [grid.name for grid in everything] == ["Основной"]
    assert [grid.name for grid in asked] == ["Остатки"]


async def test_a_name_merged_over_its_sizes_belongs_to_each_of_them() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["Товар", "Цена"], ["Труба", 5], [None, 6], [None, None], ["Кран", 7]):
        sheet.append(row)
    sheet.merge_cells("A2:A4")
    content = BytesIO()
    book.save(content)

    (grid,) = sheets_of(content.getvalue())

    assert tuple(grid.rows)[1:] == (("Труба", 5.0), ("Труба", 6.0), (), ("Кран", 7.0))


def a_workbook_with_a_cell_at(reference: str) -> bytes:
    """Return a small valid workbook whose only cell is far away."""
    source = zipfile.ZipFile(BytesIO(a_workbook(Лист=[["x"]])))
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name.endswith("sheet1.xml"):
                part = part.replace(b'r="A1"', f'r="{reference}"'.encode())
                part = part.replace(
                    b'<dimension ref="A1:A1"', f'<dimension ref="A1:{reference}"'.encode()
                )
                part = part.replace(b'<row r="1"', f'<row r="{reference.lstrip("XFD")}"'.encode())
            target.writestr(name, part)
    return content.getvalue()


@pytest.mark.processes
@pytest.mark.parametrize("reference", ["XFD1048576", "XFD5000"])
async def test_a_small_workbook_that_claims_a_huge_sheet_takes_only_its_reader_down(
    reference: str,
) -> None:
    with pytest.raises(RefusedError) as caught:
        await read(a_workbook_with_a_cell_at(reference), FileType.EXCEL)

    assert caught.value.code == "xlsx.sheet_too_large"


@pytest.fixture
def stored_path(tmp_path: Path) -> Path:
    path = tmp_path / "list.xlsx"
    path.write_bytes(TWO_SHEETS)
    return path


@pytest.mark.processes
async def test_a_workbook_that_takes_too_long_is_refused(stored_path: Path) -> None:
    limits = ChildLimits(cpu_seconds_max=60, wall_seconds_max=0.001)

    with pytest.raises(RefusedError) as caught:
        await whole(read_path(stored_path, wish=Wish(), limits=limits))

    assert caught.value.code == "file.too_complex"


@pytest.mark.processes
async def test_a_cancelled_reading_leaves_no_process_behind(stored_path: Path) -> None:
    before = children()
    reading = asyncio.create_task(whole(read_path(stored_path, wish=Wish())))
    while children() == before:
        await asyncio.sleep(0)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert children() == before


@pytest.mark.processes
async def test_who_stops_in_the_midst_of_a_list_leaves_no_process_behind(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("name;price\n" + "".join(f"Tea {n};{n}.50\n" for n in range(1, 60_000)))
    before = children()

    batches = read_path(path, wish=Wish())
    first = await anext(batches)
    during = children()
    await batches.aclose()

    assert first.told
    assert during != before
    assert children() == before


@pytest.mark.processes
@pytest.mark.parametrize("exit_code", [0, 3])
async def test_a_reader_that_has_said_all_is_left_to_end_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exit_code: int
) -> None:
    (tmp_path / "brief.py").write_text(
        "import os\ndef main(arguments):\n"
        f"    os.write(1, bytes(3) + b'\\2ok')\n    os.close(1)\n    return {exit_code}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    limits = ChildLimits(cpu_seconds_max=60, wall_seconds_max=60)
    told: list[bytes] = []
    end: ChildEnd | None = None

    with (tmp_path / "brief.py").open("rb") as file, (tmp_path / "brief.py").open("rb") as passed:
        try:
            frames = frames_of_confined("brief", stdin=file, limits=limits, passed=passed)
            async for frame in frames:
                told.append(frame)  # noqa: PERF401  # what came before an error counts
        except ChildDiedError as death:
            end = death.end

    assert told == [b"ok"]
    assert end == (ChildEnd.FAULT if exit_code else None)


@pytest.mark.processes
async def test_a_longer_csv_takes_no_more_memory(tmp_path: Path) -> None:
    peaks = [await peak_kib(tmp_path, rows=rows) for rows in (8_000, 40_000)]

    assert peaks[1] - peaks[0] < 6_000


async def peak_kib(folder: Path, *, rows: int) -> int:
    """Return the most that the process which reads a csv of so many rows ever had resident."""
    path = folder / f"{rows}.csv"
    names = (f"Tea number {n} in a packet of paper" for n in range(rows))
    lines = (f"{number};{name};1.50\n" for number, name in enumerate(names))
    path.write_text("sku;name;price\n" + "".join(lines))
    before = children()
    peak = 0
    async for batch in read_path(path, wish=Wish()):
        assert batch.told
        peak = max([peak, *map(resident_peak_kib, children() - before)])
    return peak


def resident_peak_kib(process: str) -> int:
    try:
        told = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0
    return max(map(int, re.findall(r"VmHWM:\s+(\d+)", told)), default=0)


def children() -> set[str]:
    """Return the processes that any thread of this one started and that are not reaped."""
    return {
        child
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    }


async def test_every_kind_of_cell_arrives_as_what_it_is() -> None:
    moments = [
        datetime.fromisoformat("2026-09-01 08:30"), date(2026, 9, 1), time(8, 30),
        timedelta(hours=30),
    ]  # fmt: skip
    content = a_workbook(Лист=[["текст", 1.25, True, *moments, None, "0123"]])

    (grid,) = sheets_of(content)

    assert tuple(grid.rows) == (("текст", 1.25, True, *moments, None, "0123"),)


def test_a_workbook_with_a_password_is_refused() -> None:
    locked = Mock(from_filelike=Mock(side_effect=PasswordError))

    with (
        patch.object(workbooks, "CalamineWorkbook", locked),
        pytest.raises(RefusedError) as caught,
    ):
        sheets_of(b"")

    assert caught.value.code == "file.encrypted"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "cp866"],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
async def test_encoding_and_delimiter_are_found_out(encoding: str, delimiter: str) -> None:
    rows = [["Артикул", "Наименование", "Цена"]]
    rows += [[f"{i:04d}", f"Молоко топлёное №{i % 7} в пакете", f"{i}.50"] for i in range(1, 40)]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)

    grid = text_grid(text.replace("№", "N").encode(encoding))

    assert len(tuple(grid.rows)) == 40
    assert tuple(grid.rows)[1] == ("0001", "Молоко топлёное N1 в пакете", "1.50")


async def test_a_file_may_name_its_delimiter() -> None:
    grid = text_grid(b"sep=|\nname|price, net\nTea, green|1,20\n")

    assert tuple(grid.rows)[1:] == (("name", "price, net"), ("Tea, green", "1,20"))


@pytest.mark.parametrize(
    ("delimiter", "line", "cells"),
    [
        ("~", "a~b,c;d", ("a", "b,c;d")),
        ("||", 'a|b||"c||""d"', ("a|b", 'c||"d')),
        ("\t", "a;b\tc", ("a;b", "c")),
        ("\ue000;", "\ue000\ue000;b", ("\ue000", "b")),
    ],
)
async def test_a_delimiter_that_was_said_may_be_any_and_long(
    delimiter: str, line: str, cells: tuple[str, ...]
) -> None:
    grid = text_grid(f"{line}\nx;y;z\n".encode(), delimiter=delimiter)

    assert tuple(grid.rows) == (cells, ("x;y;z",))


@pytest.mark.parametrize("delimiter", ['"', ",\n", "\r", "\x00"])
async def test_what_lines_are_made_of_is_no_delimiter(delimiter: str) -> None:
    with pytest.raises(RefusedError) as caught:
        text_grid(b"a,b\n", delimiter=delimiter)

    assert caught.value.code == "csv.delimiter"


@pytest.mark.parametrize("said", ["utf-8", "UTF8", "utf_8_sig"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
async def test_a_text_that_is_not_in_utf_8_as_was_said_is_found_out(
    said: str, encoding: str
) -> None:
    text = "Наименование;Цена\n" + "Молоко топлёное в пакете;2,50\n" * 9

    grid = text_grid(text.encode(encoding), encoding=said)

    assert next(iter(grid.rows)) == ("Наименование", "Цена")


@pytest.mark.parametrize("said", ["ascii", "idna", "cp-nonsense", "base64", "a\x00b"])
async def test_a_text_that_is_not_in_the_encoding_that_was_said_is_refused(said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        text_grid("Товар;Цена\nЧай;15\n".encode(), encoding=said)

    assert caught.value.code == "csv.encoding"


async def test_a_quote_that_is_never_closed_is_refused_with_its_line() -> None:
    text = 'name;price\n"Tea;1\n' + "Coffee;2\n" * 20_000

    with pytest.raises(RefusedError, match=r"^line 2:") as caught:
        text_grid(text.encode())

    assert caught.value.code == "csv.unclosed_quote"


async def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        text_grid(bytes(range(128, 256)) * 20 + b"\x00\x01\x02")

    assert caught.value.code == "csv.encoding"
