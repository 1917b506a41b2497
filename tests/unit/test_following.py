"""What was said about a list wins over what the list suggests; the rest is found out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.catalog import FileType, GivenLayout
from marketbel_core.errors import RefusedError
from marketbel_core.intake import Cell, Grid, ReadRows, read_rows

HEADER: list[Cell] = ["Артикул", "Наименование", "Цена"]
PLAIN: list[list[Cell]] = [HEADER, ["007", "Чай", 1], ["008", "Рис", 2]]
FOREIGN: list[list[Cell]] = [
    ["Kod", "Towar", "Netto", "Brutto", "Kolor"],
    ["007", "Herbata czarna", 1, 2, "czarny"],
    ["008", "Ryż biały", 3, 4, None],
]
TWO_NAMES: list[list[Cell]] = [
    ["Наименование", "Модель", "Цена", "Опт"],
    ["Дрель", "GSB 13", 10, 8],
    ["Пила", "GKS 190", 20, 16],
]


def a_grid(*rows: list[Cell], name: str = "Лист1") -> Grid:
    return Grid(name=name, rows=tuple(tuple(row) for row in rows))


def rows_by(layout: GivenLayout, *rows: list[Cell]) -> ReadRows:
    return read_rows([a_grid(*rows)], layout=layout)


def told(read: ReadRows) -> list[tuple[str, str, Decimal]]:
    return [(row.sku, row.name, row.price.amount) for row in read.accepted]


def refusal_of(layout: GivenLayout, *rows: list[Cell]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        rows_by(layout, *rows)
    return caught.value


def test_columns_are_those_that_were_named_whatever_the_headers_mean() -> None:
    layout = GivenLayout(column_mapping={"sku": "KOD", "name": " towar ", "price": "Brutto"})

    read = rows_by(layout, *FOREIGN)

    assert told(read) == [
        ("007", "Herbata czarna", Decimal(2)),
        ("008", "Ryż biały", Decimal(4)),
    ]
    assert read.accepted[0].characteristics == {"netto": 1, "kolor": "czarny"}


def test_a_column_that_was_not_named_is_looked_for() -> None:
    read = rows_by(GivenLayout(column_mapping={"name": "Модель", "price": "Опт"}), *TWO_NAMES)

    assert [(row.name, row.price.amount) for row in read.accepted] == [
        ("GSB 13", Decimal(8)),
        ("GKS 190", Decimal(16)),
    ]
    assert read.accepted[0].sku.startswith("AUTO-")
    assert read.accepted[0].characteristics["наименование"] == "Дрель"


def test_one_column_may_be_two_things() -> None:
    layout = GivenLayout(column_mapping={"sku": "Модель", "name": "Модель"})

    read = rows_by(layout, *TWO_NAMES)

    assert told(read)[0] == ("GSB 13", "GSB 13", Decimal(10))


@pytest.mark.parametrize(
    ("role", "header", "key", "value"),
    [
        ("stock", "A", "stock", "есть"),
        ("unit", "A", "unit", "есть"),
        ("brand", "A", "brand", "есть"),
        ("category", "A", "_category", "есть"),
        ("link", "A", "link", "есть"),
        ("description", "A", "description", "есть"),
        ("barcode", "A", "barcode_raw", "есть"),
    ],
)
def test_every_role_can_be_named(role: str, header: str, key: str, value: str) -> None:
    read = rows_by(
        GivenLayout(column_mapping={role: header}), [*HEADER, "A"], ["1", "Чай", 1, "есть"]
    )

    assert read.accepted[0].characteristics[key] == value


def test_a_currency_can_be_named() -> None:
    read = rows_by(
        GivenLayout(column_mapping={"currency": "В"}), [*HEADER, "В"], ["1", "Чай", 1, "EUR"]
    )

    assert read.accepted[0].price.currency == "EUR"


def test_a_named_price_column_is_read_even_if_it_has_no_prices() -> None:
    layout = GivenLayout(column_mapping={"price": "Опт"})

    read = rows_by(layout, ["Наименование", "Цена", "Опт"], ["Чай", 1, "звоните"])

    assert [row.code for row in read.without_item] == ["row.no_price"]
    assert read.accepted == ()


def test_headers_that_are_missing_are_named_with_those_there_are() -> None:
    error = refusal_of(GivenLayout(column_mapping={"sku": "Код", "price": "Цена"}), *PLAIN)

    assert error.code == "xlsx.header"
    assert "'Код' (sku)" in str(error)
    assert "'Цена'" in str(error).partition("there are")[2]
    assert "'Цена' (price)" not in str(error)


def test_a_missing_header_of_a_text_file_has_a_code_of_its_own() -> None:
    layout = GivenLayout(column_mapping={"price": "Preis"})

    with pytest.raises(RefusedError, match=r"'Preis' \(price\)") as caught:
        read_rows([a_grid(*PLAIN)], layout=layout, file_type=FileType.CSV)

    assert caught.value.code == "csv.header"


def test_prices_that_nobody_named_and_nobody_finds_are_asked_for() -> None:
    error = refusal_of(GivenLayout(column_mapping={"name": "Towar"}), ["Towar"], ["Herbata"])

    assert error.code == "xlsx.header"
    assert "of prices (price)" in str(error)


def test_a_column_that_is_for_nothing_is_refused() -> None:
    error = refusal_of(GivenLayout(column_mapping={"colour": "Цвет"}), *PLAIN)

    assert error.code == "job.invalid"
    assert "'colour'" in str(error)


def test_an_empty_sheet_lacks_every_column() -> None:
    assert refusal_of(GivenLayout(column_mapping={"name": "Товар"})).code == "xlsx.header"


def test_named_columns_are_looked_for_in_the_rows_below() -> None:
    layout = GivenLayout(column_mapping={"name": "Towar", "price": "Netto"})

    read = rows_by(layout, ["Cennik", None], [None, None], *FOREIGN)

    assert [row.row_number for row in read.accepted] == [4, 5]


def test_the_header_row_that_was_said_wins_over_a_better_one() -> None:
    other: list[Cell] = ["Остаток", "Товар", "Прайс"]
    rows: list[list[Cell]] = [HEADER, other, ["007", "Чай", 1], ["008", "Рис", 2]]

    assert told(rows_by(GivenLayout(header_row=1), *rows))[0][0] == "007"
    read = rows_by(GivenLayout(header_row=2), *rows)

    assert read.accepted[0].sku.startswith("AUTO-")
    assert read.accepted[0].characteristics["stock"] == "007"


def test_named_columns_are_looked_for_only_in_the_header_row_that_was_said() -> None:
    layout = GivenLayout(column_mapping={"name": "Наименование", "price": "Цена"}, header_row=4)

    error = refusal_of(layout, *PLAIN, [None], ["x"])

    assert "row 4" in str(error)


def test_lines_of_one_header_are_joined_with_a_blank() -> None:
    rows: list[list[Cell]] = [
        ["Товар", "Цена", None, "Код"],
        ["полностью", "опт", "розница", None],
        ["Чай", 1, 2, "007"],
    ]
    mapping = {"name": "товар полностью", "price": "розница", "sku": "Код"}

    read = rows_by(GivenLayout(column_mapping=mapping, header_row=1, header_row_end=2), *rows)
    by_group = rows_by(
        GivenLayout(
            column_mapping={**mapping, "price": "Цена розница"}, header_row=1, header_row_end=2
        ),
        *rows,
    )

    assert told(read) == told(by_group) == [("007", "Чай", Decimal(2))]


def test_further_lines_are_joined_as_long_as_no_data_is_there() -> None:
    rows: list[list[Cell]] = [
        ["Towar", "Netto"],
        ["nazwa", "EUR"],
        ["Herbata", 1],
        ["Ryż", 2],
    ]
    mapping = {"name": "Towar nazwa", "price": "Netto EUR"}

    read = rows_by(GivenLayout(column_mapping=mapping, header_row=1, data_start_row=4), *rows)

    assert [row.name for row in read.accepted] == ["Ryż"]
    with pytest.raises(RefusedError):
        rows_by(GivenLayout(column_mapping=mapping, header_row=1, data_start_row=2), *rows)


def test_rows_above_the_first_one_of_data_are_no_items() -> None:
    read = rows_by(GivenLayout(data_start_row=3), *PLAIN)
    mapped = rows_by(
        GivenLayout(column_mapping={"name": "Наименование"}, data_start_row=3), *PLAIN
    )
    at_row = rows_by(GivenLayout(header_row=1, data_start_row=3), *PLAIN)

    assert [row.name for row in read.accepted] == ["Рис"]
    assert read == mapped == at_row


def test_a_header_row_without_a_meaning_still_is_one() -> None:
    rows: list[list[Cell]] = [["A", "B", "C"]]
    rows += [[str(n), f"Herbata numer {n}", n + 0.5] for n in range(1, 6)]

    read = rows_by(GivenLayout(header_row=1), *rows)

    assert [row.name for row in read.accepted] == [f"Herbata numer {n}" for n in range(1, 6)]
    assert read.accepted[0].characteristics == {"a": "1"}


def test_a_header_row_without_names_and_prices_below_is_refused() -> None:
    error = refusal_of(GivenLayout(header_row=9), *PLAIN)

    assert error.code == "xlsx.header"
    assert "row 9" in str(error)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (None, {"цвет": "зелёный", "вес": "1 кг", "brand": "Ахмад", "stock": 5, "in_stock": True}),
        (("ЦВЕТ",), {"цвет": "зелёный", "stock": 5, "in_stock": True}),
        (
            ("Бренд", "нет такой"),
            {"бренд": "Ахмад", "brand": "Ахмад", "stock": 5, "in_stock": True},
        ),
        ((), {"stock": 5, "in_stock": True}),
    ],
)
def test_characteristics_are_those_that_were_listed_or_all(
    columns: tuple[str, ...] | None, expected: dict[str, object]
) -> None:
    rows: list[list[Cell]] = [
        [*HEADER, "Цвет", "Вес", "Бренд", "Наличие"],
        ["1", "Чай", 3, "зелёный", "1 кг", "Ахмад", 5],
    ]

    read = rows_by(GivenLayout(characteristic_columns=columns), *rows)

    assert read.accepted[0].characteristics == expected


def test_a_role_that_was_named_is_kept_beside_listed_characteristics() -> None:
    layout = GivenLayout(column_mapping={"brand": "Кто"}, characteristic_columns=())

    read = rows_by(layout, [*HEADER, "Кто"], ["1", "Чай", 3, "Ахмад"])

    assert read.accepted[0].characteristics == {"brand": "Ахмад"}


def test_sheets_to_which_the_layout_applies_are_read_and_the_others_are_none() -> None:
    grids = [a_grid(["Меню"], name="Меню"), a_grid(*FOREIGN, name="Ceny")]
    layout = GivenLayout(column_mapping={"name": "Towar", "price": "Netto"})

    assert len(read_rows(grids, layout=layout).accepted) == 2
    with pytest.raises(RefusedError) as caught:
        read_rows(grids, layout=layout, sheet_name="Меню")
    assert caught.value.code == "xlsx.header"


def test_the_name_that_stands_for_any_sheet_means_the_first_where_there_is_none() -> None:
    grids = [a_grid(*PLAIN, name="Опт"), a_grid(*FOREIGN, name="Ceny")]
    with_it = [grids[1], a_grid(["Товар", "Цена"], ["Соль", 5], name="SHEET1")]

    assert [row.sheet for row in read_rows(grids, sheet_name="Sheet1").accepted] == ["Опт"] * 2
    assert [row.sheet for row in read_rows(with_it, sheet_name="Sheet1").accepted] == ["SHEET1"]


@pytest.mark.parametrize(
    ("header_row", "header_row_end", "data_start_row"),
    [(0, None, None), (None, 3, None), (3, 2, None), (3, None, 3), (None, None, 1)],
)
def test_rows_are_counted_from_one_and_stand_in_order(
    header_row: int | None, header_row_end: int | None, data_start_row: int | None
) -> None:
    with pytest.raises(ValueError, match="row"):
        GivenLayout(
            header_row=header_row, header_row_end=header_row_end, data_start_row=data_start_row
        )


def test_a_delimiter_is_something() -> None:
    with pytest.raises(ValueError, match="delimiter"):
        GivenLayout(delimiter="")


CELLS = st.sampled_from([None, "", "Товар", "Цена", "Код", "Чай", "x", 1, 2.5, "3,50", "нет"])
NAMES = st.sampled_from(["Товар", "Цена", "Код", "x", ""])
ROLES = st.sampled_from(["sku", "name", "price", "stock", "currency"])


@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=8),
    mapping=st.dictionaries(ROLES, NAMES, max_size=3),
    header=st.lists(st.integers(1, 9), max_size=3, unique=True).map(sorted),
    columns=st.none() | st.lists(NAMES, max_size=2).map(tuple),
)
def test_whatever_is_said_a_sheet_is_read_or_refused_with_a_code(
    rows: list[list[Cell]],
    mapping: dict[str, str],
    header: list[int],
    columns: tuple[str, ...] | None,
) -> None:
    header_row, header_row_end, data_start_row = (*header, None, None, None)[:3]
    layout = GivenLayout(
        column_mapping=mapping,
        characteristic_columns=columns,
        header_row=header_row,
        header_row_end=header_row_end,
        data_start_row=data_start_row,
    )
    first = data_start_row or (header_row_end or header_row or 0) + 1
    try:
        read = rows_by(layout, *rows)
    except RefusedError as error:
        assert error.code == "xlsx.header"  # noqa: PT017  # either is fine
    else:
        numbers = [row.row_number for row in read.accepted]
        numbers += [row.row_number for row in read.without_item]
        assert min(numbers, default=first) >= first
