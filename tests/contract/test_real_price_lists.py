"""Real price lists, read without configuration, against what people counted in them.

The lists are private; without `MARKETBEL_SHARED` nothing can be compared.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Final

import pytest

from marketbel_adapters.sources.delimited import delimited_grid
from marketbel_adapters.sources.pdf.tables import read_tables
from marketbel_adapters.sources.workbook_grids import workbook_grids
from marketbel_core.catalog import FileType
from marketbel_core.intake import Cell, Grid, SheetSummary, read_rows, stream_rows

FOLDER: Final = Path(os.environ.get("MARKETBEL_SHARED", "/nowhere")) / "data" / "pricelists"
LISTS: Final = sorted(path.stem for path in FOLDER.glob("truth/*.json"))
NO_SKU_OF_THEIR_OWN: Final = frozenset({"ru-tyres-3sheets"})
"""Lists of which the truth's notes say that no column of article numbers is right as well."""

OTHER_NAMES: Final = {"ru-dieselkits-nbsp": (1, 3)}
TABLES: Final = [name for name in LISTS if not name.endswith("-pdf")]

pytestmark = pytest.mark.skipif(
    not LISTS, reason="the real price lists are not here: set MARKETBEL_SHARED to their folder"
)

type Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Truth:
    name: str
    items: int
    price_sum: str
    header_row: int | None
    columns: dict[str, int | None]
    prices: tuple[int, ...]


@cache
def grids_of(name: str) -> tuple[Grid, ...]:
    path = FOLDER / "files" / told(name)["file"]
    with path.open("rb") as file:
        if path.suffix == ".csv":
            return (in_memory(delimited_grid(file)),)
        if path.suffix == ".pdf":
            return tuple(Grid(name=table.name, rows=table.rows) for table in read_tables(file))
        return tuple(map(in_memory, workbook_grids(file)[0]))


def in_memory(grid: Grid) -> Grid:
    return Grid(name=grid.name, rows=rows_of(grid))


@cache
def told(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / "truth" / f"{name}.json").read_text())
    return found


def truths(name: str) -> Iterator[Truth]:
    for sheet in json.loads((FOLDER / "truth" / f"{name}.json").read_text())["sheets"]:
        if sheet["is_price_list"]:
            yield Truth(
                name=sheet["name"],
                items=sheet["n_items"],
                price_sum=sheet["sum_of_prices"],
                header_row=sheet["header_row"],
                columns=sheet["columns"],
                prices=tuple(sheet["main_price_accept"]),
            )


def read(grids: tuple[Grid, ...], file_type: FileType = FileType.EXCEL) -> dict[str, SheetSummary]:
    events = stream_rows(grids, file_type=file_type)
    sheets = [event for event in events if isinstance(event, SheetSummary)]
    return {sheet.name: sheet for sheet in sheets if sheet.is_price_list}


@cache
def summaries(name: str) -> dict[str, SheetSummary]:
    file_type = FileType.PDF if name.endswith("-pdf") else FileType.EXCEL
    return read(grids_of(name), file_type)


def amounts(sheet: SheetSummary) -> tuple[int, str]:
    return sheet.items, str(sheet.price_sum.quantize(Decimal("0.01")))


@pytest.mark.parametrize("name", LISTS)
def test_a_real_list_gives_what_people_counted(name: str) -> None:
    found = summaries(name)

    expected = {truth.name: truth for truth in truths(name)}
    assert found.keys() == expected.keys()
    for sheet, truth in expected.items():
        assert amounts(found[sheet]) == (truth.items, truth.price_sum)
        assert found[sheet].header_row == truth.header_row
        columns = found[sheet].columns
        assert columns["name"] in OTHER_NAMES.get(name, (truth.columns["name"],))
        assert columns["price"] == truth.columns["price"]
        if name not in NO_SKU_OF_THEIR_OWN or "sku" in columns:
            assert columns.get("sku") == truth.columns["sku"]


@pytest.mark.parametrize("name", TABLES)
def test_columns_in_another_order_change_nothing(name: str) -> None:
    mixer = Random(f"{name}: a stable shuffle")  # noqa: S311  # no secret

    for sheet, grid in sheets_with_truth(name):
        rows = rows_of(grid)
        width = max(map(len, rows))
        # Prices keep their order among each other: the leftmost one is the main one.
        prices = sorted(column for key, column in sheet.columns.items() if "price" in key)
        order = [column for column in range(width) if column not in prices]
        mixer.shuffle(order)
        order[len(order) // 2 : len(order) // 2] = prices
        mixed = tuple(
            tuple(row[column] if column < len(row) else None for column in order) for row in rows
        )
        if sheet.header_row:  # without one, the place of a column is all there is to go by
            assert amounts(read_again(grid, mixed)) == amounts(sheet)


@pytest.mark.parametrize("name", TABLES)
def test_lines_above_the_list_change_nothing(name: str) -> None:
    above: Rows = (
        ("ООО «Ромашка», УНП 100000000",),
        ("г. Минск, ул. Ленина, 1", None, "тел. +375 17 000-00-00"),
        (),
        ("Прайс-лист от 01.09.2026",),
    )

    for sheet, grid in sheets_with_truth(name):
        again = read_again(grid, above + rows_of(grid))
        assert amounts(again) == amounts(sheet)
        if sheet.header_row:
            assert again.header_row == sheet.header_row + len(above)


@pytest.mark.parametrize("name", TABLES)
def test_a_header_that_is_repeated_changes_nothing(name: str) -> None:
    for sheet, grid in sheets_with_truth(name):
        rows = rows_of(grid)
        at = (sheet.header_row or 0) + (len(rows) - (sheet.header_row or 0)) // 2
        header = rows[(sheet.header_row or 1) - 1 : sheet.header_row or 0]
        assert amounts(read_again(grid, rows[:at] + header + rows[at:])) == amounts(sheet)


def by_words(header: tuple[Cell, ...]) -> Rows:
    """Return a header whose cells go on in a second line, as in "Цена," and "руб."."""
    halves = [str(cell).rsplit(" ", 1) if cell else [""] for cell in header]
    return (
        tuple(half[0] or None for half in halves),
        tuple(half[1] if len(half) > 1 else None for half in halves),
    )


def by_turns(header: tuple[Cell, ...]) -> Rows:
    """Return a header of which every second cell stands a line lower."""
    return (
        tuple(cell if column % 2 == 0 else None for column, cell in enumerate(header)),
        tuple(cell if column % 2 else None for column, cell in enumerate(header)),
    )


@pytest.mark.parametrize("split", [by_words, by_turns])
@pytest.mark.parametrize("name", TABLES)
def test_a_header_that_is_split_into_two_lines_changes_nothing(
    name: str, split: Callable[[tuple[Cell, ...]], Rows]
) -> None:
    for sheet, grid in sheets_with_truth(name):
        if not sheet.header_row:
            continue
        rows, last = rows_of(grid), sheet.header_row
        again = read_again(grid, rows[: last - 1] + split(rows[last - 1]) + rows[last:])
        assert amounts(again) == amounts(sheet)
        assert again.header_row in {last, last + 1}


@pytest.mark.parametrize("first", ["1", "А"])
@pytest.mark.parametrize("name", TABLES)
def test_the_numbers_of_the_columns_below_a_header_change_nothing(name: str, first: str) -> None:
    for sheet, grid in sheets_with_truth(name):
        if not sheet.header_row:
            continue
        rows, last = rows_of(grid), sheet.header_row
        letters = 0 if first == "1" else 1
        numbers: tuple[Cell, ...] = (
            first,
            *(number + 1 - letters for number in range(1, max(4, len(rows[last - 1])))),
        )
        again = read_again(grid, (*rows[:last], numbers, *rows[last:]))
        assert amounts(again) == amounts(sheet)
        assert (again.header_row, again.rejected) == (last, sheet.rejected)


@pytest.mark.parametrize("name", TABLES)
def test_empty_columns_before_the_first_one_change_nothing(name: str) -> None:
    for sheet, grid in sheets_with_truth(name):
        again = read_again(grid, tuple((None, None, None, *row) for row in rows_of(grid)))
        assert amounts(again) == amounts(sheet)
        assert again.columns == {role: column + 3 for role, column in sheet.columns.items()}


@pytest.mark.parametrize("name", TABLES)
def test_sheets_in_another_order_change_nothing(name: str) -> None:
    grids = grids_of(name)

    forwards, backwards = summaries(name), read(grids[::-1])

    assert {key: amounts(sheet) for key, sheet in forwards.items()} == {
        key: amounts(sheet) for key, sheet in backwards.items()
    }


@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("name", [name for name in LISTS if "csv" in name or "nbsp" in name])
def test_another_delimiter_or_encoding_changes_nothing(
    name: str, encoding: str, delimiter: str
) -> None:
    (grid,) = grids_of(name)
    text = "\r\n".join(
        delimiter.join('"' + str(cell).replace('"', '""') + '"' for cell in row)
        for row in grid.rows
    )

    again = delimited_grid(BytesIO(text.encode(encoding, "replace")))

    (sheet,), (other,) = read((grid,)).values(), read((again,)).values()
    assert amounts(other) == amounts(sheet)


@pytest.mark.parametrize("name", TABLES)
def test_reading_by_the_remembered_layout_tells_of_no_change(name: str) -> None:
    grids = grids_of(name)
    remembered = {sheet: found.layout for sheet, found in summaries(name).items() if found.layout}

    again = read_rows(grids, remembered=remembered, file_type=FileType.EXCEL)

    assert all(sheet.change is None for sheet in again.sheets)


def sheets_with_truth(name: str) -> Iterator[tuple[SheetSummary, Grid]]:
    """Yield up to three price sheets of a list: seventy of one kind show no more."""
    grids = grids_of(name)
    by_name = {grid.name: grid for grid in grids}
    for sheet in list(summaries(name).values())[:3]:
        yield sheet, by_name[sheet.name]


def rows_of(grid: Grid) -> Rows:
    return tuple(tuple(row) for row in grid.rows)


def read_again(grid: Grid, rows: Rows) -> SheetSummary:
    return read((Grid(name=grid.name, rows=rows),))[grid.name]
