"""Sheets to rows."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.catalog import Money
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Cell, Grid, ReadRows, RememberedLayout, read_rows
from marketbel_core.intake.characteristics import stock_of
from marketbel_core.intake.remembered import change_since

HEADER: list[Cell] = ["Артикул", "Наименование", "Цена"]


def a_grid(*rows: list[Cell], name: str = "Лист1") -> Grid:
    return Grid(name=name, rows=tuple(tuple(row) for row in rows))


def rows_of(*rows: list[Cell]) -> ReadRows:
    return read_rows([a_grid(*rows)])


def test_a_row_becomes_an_item() -> None:
    rows = rows_of(HEADER, ["007", " Молоко\u00a03,2 % ", "1 234,56"])

    (row,) = rows.accepted
    assert (row.sheet, row.row_number, row.sku) == ("Лист1", 2, "007")
    assert (row.name, row.price) == ("Молоко 3,2 %", Money(Decimal("1234.56")))
    assert rows.without_item == ()


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        (["1", None, 5], "name", "row.name_blank"),
        (["1", "\u200b \x00", 5], "name", "row.name_blank"),
        (["1", "Ч" * 501, 5], "name", "row.name_too_long"),
        (["9" * 256, "Чай", 5], "sku", "row.sku_too_long"),
        (["1", "Чай", -5], "price", "row.price_negative"),
        (["1", "Чай", "звоните"], "price", "row.no_price"),
        (["1", "Чай", 0], "price", "row.no_price"),
        (["1", "Чай", "от 1 до 2"], "price", "row.price_unreadable"),
        (["1", "Чай", 1e9], "price", "row.price_unreadable"),
    ],
)
def test_a_bad_row_is_rejected_and_the_good_ones_stay(
    cells: list[Cell], column: str, code: str
) -> None:
    rows = rows_of(HEADER, ["0", "Соль", 1], cells, ["2", "Сахар", 2])

    assert [row.name for row in rows.accepted] == ["Соль", "Сахар"]
    (rejected,) = rows.without_item
    assert (rejected.row_number, rejected.column, rejected.code) == (3, column, code)
    assert rejected.message
    json.dumps(dict(rejected.cells))


def test_the_rejected_row_is_kept_by_its_headers() -> None:
    rows = rows_of([*HEADER, None], ["0", "Соль", 1, None], ["1", "Чай", "звоните", "новинка"])

    assert rows.without_item[0].value == "звоните"
    assert rows.without_item[0].cells == {
        "Артикул": "1", "Наименование": "Чай", "Цена": "звоните", "column_4": "новинка",
    }  # fmt: skip


def test_section_rows_become_the_category_of_what_follows() -> None:
    rows = rows_of(
        HEADER,
        ["Молочное"],
        ["Кефир и ряженка"],
        ["1", "Кефир", 2],
        ["2", "Ряженка", 2],
        [None, "Бакалея"],
        ["3", "Рис", 3],
    )

    assert [row.characteristics["_category"] for row in rows.accepted] == [
        "Молочное / Кефир и ряженка",
        "Молочное / Кефир и ряженка",
        "Бакалея",
    ]
    assert rows.without_item == ()


def test_repeated_headers_blank_rows_contacts_and_totals_are_neither_items_nor_errors() -> None:
    rows = rows_of(
        HEADER,
        ["1", "Кефир", 2],
        [],
        [None, None, "Цена"],
        HEADER,
        ["Артикул", "Наименование", "Цена розничная"],
        ["тел. +375 17 000-00-00, e-mail: sales@example.by"],
        ["2", "Ряженка", 2],
        [None, "Итого:", 4],
        ["Прайс действителен до конца месяца"],
    )

    assert [row.name for row in rows.accepted] == ["Кефир", "Ряженка"]
    assert "_category" not in rows.accepted[1].characteristics
    assert rows.without_item == ()


def test_a_missing_sku_is_made_from_the_name_the_same_at_every_run() -> None:
    grid = a_grid(["Товар", "Цена"], ["Чай", 1], ["Кофе", 2], ["ЧАЙ", 3])

    first = [row.sku for row in read_rows([grid]).accepted]
    second = [row.sku for row in read_rows([grid]).accepted]

    assert first == second == ["AUTO-575CB936", first[1], "AUTO-575CB936-2"]
    assert len(set(first)) == 3


def test_names_whose_digits_collide_get_longer_skus() -> None:
    # The first eight digits of the md5 of the two names are the same.
    rows = rows_of(["Товар", "Цена"], ["товар 30157", 1], ["Товар 55373", 2], ["Чай", 3])

    skus = [row.sku for row in rows.accepted]
    assert len(skus[0]) == len("AUTO-") + 8
    assert len(skus[1]) == len("AUTO-") + 16
    assert skus[1].startswith(skus[0])


def test_the_other_columns_become_characteristics_that_fit_json() -> None:
    rows = rows_of(
        [*HEADER, "Код-аналог", "Вес нетто", "Срок", "Пусто", "Бренд", "Ед.", "Фото"],
        ["1", "Чай", 5, "0012", 0.25, 12.0, None, "Роща", "шт", float("inf")],
    )

    found = dict(rows.accepted[0].characteristics)

    assert found == {
        "код_аналог": "0012",
        "вес_нетто": 0.25,
        "срок": 12,
        "brand": "Роща",
        "unit": "шт",
        "image": "inf",
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("cell", "in_stock"),
    [
        ("в наличии", True), ("Есть", True), ("+", True), (">10", True), (5.0, True),
        ("много", True),
        ("нет в наличии", False), ("0", False), (0, False), ("-", False), ("под заказ", False),
        ("out of stock", False), ("yes", True), ("no", False), ("уточняйте", None), (None, None),
    ],
)  # fmt: skip
def test_stock_is_understood_by_words_and_figures(cell: Cell, in_stock: bool | None) -> None:
    assert stock_of(cell).get("in_stock") is in_stock


def test_further_prices_are_kept_by_kind() -> None:
    rows = rows_of(
        ["Товар", "Цена", "Опт", "РРЦ"], ["Чай", 5, "4,50", "звоните"], ["Рис", 3, 2, 4]
    )

    assert rows.accepted[0].characteristics == {"_price_wholesale": "4.50"}
    assert rows.accepted[1].characteristics == {
        "_price_wholesale": "2.00",
        "_price_retail": "4.00",
    }


def test_the_currency_is_the_cells_then_the_rows_then_the_headers_then_ours() -> None:
    named = rows_of(
        ["Товар", "Валюта", "Цена, EUR"], ["А1", "USD", "$5"], ["Б2", "RUB", 6], ["В3", None, 7]
    )
    unnamed = rows_of(["Товар", "Цена"], ["Чай", "5 руб."])

    assert [row.price.currency for row in named.accepted] == ["USD", "RUB", "EUR"]
    assert unnamed.accepted[0].price.currency == "BYN"


def test_a_barcode_counts_only_with_the_right_check_digit() -> None:
    rows = rows_of(
        ["Товар", "Цена", "Штрихкод"],
        ["Чай", 5, "4006381333931"],
        ["Рис", 5, 4006381333931.0],
        ["Соль", 5, "4006381333932"],
        ["Мак", 5, None],
    )

    assert [dict(row.characteristics) for row in rows.accepted] == [
        {"barcode": "4006381333931"},
        {"barcode": "4006381333931"},
        {"barcode_raw": "4006381333932"},
        {},
    ]


def test_the_decimal_mark_is_the_columns_and_not_the_cells() -> None:
    points = rows_of(["Товар", "Цена"], ["Вал", "214.393"], ["Ось", "339.25"])
    groups = rows_of(["Товар", "Цена"], ["Вал", "12.500"], ["Ось", "7,50"])
    doubtful = rows_of(["Товар", "Цена"], ["Вал", "12.500"], ["Ось", "13.500"])

    assert [row.price.amount for row in points.accepted] == [Decimal("214.39"), Decimal("339.25")]
    assert [row.price.amount for row in groups.accepted] == [Decimal(12500), Decimal("7.5")]
    assert [row.code for row in doubtful.rejected] == ["row.price_unreadable"] * 2


def test_only_the_sheet_that_is_asked_for_is_read() -> None:
    grids = [
        a_grid(["Товар", "Цена"], ["Чай", 1], name="Опт"),
        a_grid(["Товар", "Цена"], ["Рис", 2], name="Розница"),
        a_grid(["Содержание"], name="Меню"),
    ]

    assert [row.name for row in read_rows(grids).accepted] == ["Чай", "Рис"]
    assert [row.name for row in read_rows(grids, sheet_name=" розница").accepted] == ["Рис"]
    with pytest.raises(RefusedError, match="'Опт', 'Розница', 'Меню'") as caught:
        read_rows(grids, sheet_name="Лист1")
    assert caught.value.code == "xlsx.sheet_missing"


CELLS = st.none() | st.text(max_size=12) | st.floats() | st.integers() | st.booleans() | st.dates()


@given(st.lists(st.lists(CELLS, max_size=5), max_size=12))
def test_no_sheet_makes_the_reading_fail(rows: list[list[Cell]]) -> None:
    read = rows_of(HEADER, ["1", "Чай", 1], *rows)

    accepted = {row.row_number for row in read.accepted}
    rejected = {row.row_number for row in read.without_item}
    assert 2 in accepted | rejected
    assert not accepted & rejected
    for row in read.accepted:
        assert 1 <= len(row.name) <= 500
        assert 1 <= len(row.sku) <= 255
        json.dumps(dict(row.characteristics), allow_nan=False)


def test_a_product_without_a_price_is_counted_apart_and_keeps_what_it_says() -> None:
    rows = rows_of([*HEADER, "Цвет"], ["1", "Чай", 1.005, None], ["2", "Рис", "звоните", "белый"])

    (unpriced,) = rows.unpriced
    assert (unpriced.sku, unpriced.name, unpriced.value) == ("2", "Рис", "звоните")
    assert unpriced.characteristics == {"цвет": "белый"}
    (sheet,) = rows.sheets
    assert (sheet.items, sheet.rejected, sheet.no_price) == (1, 0, 1)


def test_a_sheet_that_is_no_price_list_is_told_in_its_place() -> None:
    grids = [a_grid(["Содержание"], name="Меню"), a_grid(HEADER, ["1", "Чай", 1], name="Опт")]

    assert [(sheet.name, sheet.is_price_list) for sheet in read_rows(grids).sheets] == [
        ("Меню", False),
        ("Опт", True),
    ]


def test_a_remembered_layout_survives_json() -> None:
    (sheet,) = rows_of(HEADER, ["1", "Чай", 1]).sheets
    assert sheet.layout is not None

    stored = json.loads(json.dumps(sheet.layout.to_json()))

    assert RememberedLayout.from_json(stored) == sheet.layout
    with pytest.raises(ValueError, match="no remembered layout"):
        RememberedLayout.from_json({"header_row": 1})


def test_a_change_of_structure_is_told_and_an_unchanged_one_is_not() -> None:
    before = rows_of(HEADER, ["1", "Чай", 1]).sheets[0].layout
    assert before is not None
    same = a_grid(HEADER, ["2", "Рис", 2])
    other = a_grid(["Наименование", "Артикул", "РРЦ"], ["Чай", "1", 2])

    unchanged = read_rows([same], remembered={"Лист1": before}).sheets[0]
    changed = read_rows([other], remembered={"Лист1": before}).sheets[0]

    assert unchanged.change is None
    assert changed.change is not None
    assert (changed.change.added, changed.change.removed) == (("ррц",), ("цена",))
    assert changed.change.moved == ("артикул", "наименование")
    assert len(changed.change.sentences) == 5
    assert changed.layout is not None
    assert change_since(changed.layout, changed.layout) is None
