"""Sheets with more than one table: beside each other, and one below another."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.intake import Cell, Grid, ReadRows, read_rows

type Line = list[Cell]

GOODS: list[tuple[str, str, float]] = [
    ("A-1", "Дрель ударная", 10.5),
    ("A-2", "Пила дисковая", 20.25),
    ("A-3", "Молоток слесарный", 5.25),
    ("A-4", "Отвёртка крестовая", 2.75),
    ("A-5", "Рулетка 5 м", 7.0),
    ("A-6", "Уровень 600 мм", 15.5),
]
TOTAL = Decimal("61.25")
LEFT, RIGHT = GOODS[:3], GOODS[3:]


def read(*rows: Sequence[Cell], layout: GivenLayout | None = None) -> ReadRows:
    grid = Grid(name="L", rows=rows)
    return read_rows([grid], file_type=FileType.EXCEL, layout=layout)


def by_code(rows: ReadRows) -> dict[str, tuple[str, Decimal]]:
    return {row.sku: (row.name, row.price.amount) for row in rows.accepted}


def as_line(article: tuple[str, str, float]) -> Line:
    return [*article]


EXPECTED = {code: (name, Decimal(str(price))) for code, name, price in GOODS}


@pytest.mark.parametrize("gap", [[], [None], [None, None]])
def test_tables_beside_each_other_are_all_read(gap: Line) -> None:
    head: Line = ["Код", "Наименование", "Цена"]
    pairs = zip(LEFT, RIGHT, strict=True)

    rows = read(head + gap + head, *([*one, *gap, *other] for one, other in pairs))

    (sheet,) = rows.sheets
    assert by_code(rows) == EXPECTED
    assert (sheet.items, sheet.price_sum, sheet.header_row) == (6, TOTAL, 1)
    assert sheet.columns == {"sku": 0, "name": 1, "price": 2}
    assert any("another table" in reason for reason in sheet.reasons)


def test_tables_beside_each_other_may_each_have_a_title() -> None:
    pairs = zip(LEFT, RIGHT, strict=True)

    rows = read(
        ["Инструмент", None, None, "Крепёж", None, None],
        ["Код", "Наименование", "Цена"] * 2,
        *((*one, *other) for one, other in pairs),
    )

    assert by_code(rows) == EXPECTED
    assert rows.sheets[0].header_row == 2


def test_each_of_two_tables_has_its_own_columns_and_sections() -> None:
    rows = read(
        ["Код", "Наименование", "Ед.", "Цена", None, "Код", "Наименование", "Цена"],
        ["Инструмент", None, None, None, None, "Измерения"],
        ["A-1", "Дрель ударная", "шт", 10.5, None, "A-5", "Рулетка 5 м", 7],
        ["A-2", "Пила дисковая", "шт", 20.25, None, "A-6", "Уровень 600 мм", 15.5],
        ["A-3", "Молоток слесарный", "шт", 5.25],
        ["A-4", "Отвёртка крестовая", "шт", 2.75],
    )

    assert by_code(rows) == EXPECTED
    sections = {row.sku: row.characteristics["_category"] for row in rows.accepted}
    assert sections["A-4"] == "Инструмент"
    assert sections["A-6"] == "Измерения"
    assert rows.without_item == ()


def test_two_columns_of_prices_do_not_make_two_tables() -> None:
    head: Line = ["Код", "Наименование", "Цена", "Наименование полное", "Цена"]

    rows = read(head, *((code, name, price, name, price * 2) for code, name, price in GOODS))

    assert (rows.sheets[0].items, rows.sheets[0].price_sum) == (6, TOTAL)


@pytest.mark.parametrize(
    ("head", "order"),
    [
        (["Наименование", "Код", "Ед.", "Цена"], "nc-p"),
        (["Цена", "Код", "Наименование"], "pcn"),
        (["№", "Код", "Наименование", "Цена"], "-cnp"),
    ],
)
def test_a_table_further_down_is_read_by_its_own_header(head: Line, order: str) -> None:
    def line(code: str, name: str, price: float) -> Line:
        cells: dict[str, Cell] = {"c": code, "n": name, "p": price, "-": "шт"}
        return [cells[letter] for letter in order]

    rows = read(
        ["Код", "Наименование", "Цена"],
        *map(as_line, LEFT),
        [],
        ["Прочее"],
        head,
        *(line(*article) for article in RIGHT),
    )

    (sheet,) = rows.sheets
    assert by_code(rows) == EXPECTED
    assert (sheet.header_row, sheet.columns) == (1, {"sku": 0, "name": 1, "price": 2})
    assert "another table with columns of its own begins in row 7" in sheet.reasons
    assert [row.row_number for row in rows.accepted] == [2, 3, 4, 8, 9, 10]
    assert rows.accepted[-1].characteristics["_category"] == "Прочее"


def test_tables_without_article_numbers_are_followed_in_both_passes() -> None:
    rows = read(
        ["Наименование", "Цена"],
        *((name, price) for _, name, price in LEFT),
        ["Цена", "Размер", "Наименование"],
        *((price, size, "Болт") for price, size in ((1, "М6"), (2, "М8"))),
    )

    assert rows.sheets[0].items == 5
    assert len({row.sku for row in rows.accepted}) == 5


def test_a_line_that_only_looks_like_a_header_begins_no_table_and_is_not_lost() -> None:
    rows = read(
        ["Код", "Наименование", "Цена"],
        *map(as_line, LEFT),
        ["Наименование", "Цена договорная", None],
        *map(as_line, RIGHT),
    )

    assert by_code(rows).keys() == EXPECTED.keys()


def test_a_layout_that_was_said_is_never_left_for_another_one() -> None:
    said = GivenLayout(column_mapping={"name": "Наименование", "price": "Цена", "sku": "Код"})

    rows = read(
        ["Код", "Наименование", "Цена"],
        *map(as_line, LEFT),
        ["Наименование", "Код", "Цена"],
        *((name, code, price) for code, name, price in RIGHT),
        layout=said,
    )

    assert [row.name for row in rows.accepted][3:] == [code for code, _, _ in RIGHT]


@pytest.mark.parametrize(
    "numbers",
    [
        [1, 2, 3, 4, 5],
        ["1", "2", "3", "4", "5"],
        ["А", "Б", "В", 1, 2],
        ["1", "2", "3", "4=3*20%", "5=3+4"],
        ["1", "2", "3", "4 (гр.3*20%)", "6."],
        [1, 2, None, 3, 4],
        [0, 1, 2, 3, 4],
    ],
)
def test_the_numbers_of_the_columns_are_no_product(numbers: Line) -> None:
    head: Line = ["Код", "Наименование", "Цена", "НДС", "Цена с НДС"]
    goods: list[Line] = [[code, name, price, 1, price + 1] for code, name, price in GOODS]

    rows = read(head, numbers, *goods)

    (sheet,) = rows.sheets
    assert (sheet.header_row, sheet.items, sheet.price_sum) == (1, 6, TOTAL)
    assert rows.without_item == ()


def test_names_that_stand_once_above_coded_variants_are_theirs() -> None:
    rows = read(
        ["Наименование", "Размер", "Артикул", "Цена"],
        ["Болт", "М6", "B-6", 1],
        [None, "М8", "B-8", 2],
        ["Гайка", "М6", "G-6", 3],
        [None, "М8", "G-8", 4],
    )

    assert [(row.sku, row.name) for row in rows.accepted] == [
        ("B-6", "Болт"),
        ("B-8", "Болт"),
        ("G-6", "Гайка"),
        ("G-8", "Гайка"),
    ]


@pytest.mark.parametrize(
    ("headers", "columns"),
    [
        (["Part #", "Description", "MSRP"], {"sku": 0, "name": 1, "price": 2}),
        (["Item No.", "Desc", "Unit Price"], {"sku": 0, "name": 1, "price": 2}),
        (["Item", "Desc", "Unit Price"], {"sku": 0, "name": 1, "price": 2}),
        (["Ценовая группа/ Номенклатура/ Характеристика", "Ед.", "Цена"], {"name": 0, "price": 2}),
        (["Арт. №", "Товар", "Цена"], {"sku": 0, "name": 1, "price": 2}),
    ],
)
def test_headers_that_say_number_or_name_a_whole_path(
    headers: Line, columns: dict[str, int]
) -> None:
    goods: list[Line] = [
        [code, name, price] if "sku" in columns else [name, "шт", price]
        for code, name, price in GOODS
    ]

    (sheet,) = read(headers, *goods).sheets

    assert {role: sheet.columns.get(role) for role in columns} == columns
    assert (sheet.items, sheet.price_sum) == (6, TOTAL)


def test_a_sheets_title_names_the_currency() -> None:
    rows: tuple[Line, ...] = (["Код", "Наименование", "Цена"], *map(as_line, GOODS))

    read_usd = read_rows([Grid(name="Прайс USD", rows=rows)])
    read_plain = read_rows([Grid(name="Sheet1", rows=rows)])

    assert {row.price.currency for row in read_usd.accepted} == {"USD"}
    assert {row.price.currency for row in read_plain.accepted} == {"BYN"}


def test_a_title_that_is_repeated_in_each_cell_is_a_section() -> None:
    rows = read(
        ["Код", "Наименование", "Цена"],
        ["Инструмент"] * 3,
        *map(as_line, GOODS),
    )

    assert (rows.sheets[0].sections, rows.sheets[0].no_price) == (1, 0)
    assert {row.characteristics["_category"] for row in rows.accepted} == {"Инструмент"}


def test_a_rejected_row_keeps_every_cell_though_headers_are_repeated() -> None:
    rows = read(
        ["Код", "Наименование", "Цена", "Цена", None],
        *((code, name, price, price + 1, "x") for code, name, price in GOODS),
        ["A-7", "Клещи", -1, 5, "y"],
    )

    (rejected,) = rows.rejected
    assert (rejected.sheet, rejected.row_number, rejected.column) == ("L", 8, "price")
    assert list(rejected.cells.items()) == [
        ("Код", "A-7"),
        ("Наименование", "Клещи"),
        ("Цена", "-1"),
        ("Цена (4)", "5"),
        ("column_5", "y"),
    ]
