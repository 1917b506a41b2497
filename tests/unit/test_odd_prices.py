"""Prices in a form that only their column explains, and those that nothing explains."""

from decimal import Decimal

import pytest

from marketbel_core.intake import Cell, Grid, ReadRows, read_rows

GOODS = ["Дрель ударная", "Пила дисковая", "Молоток слесарный", "Отвёртка крестовая"]


def read(*prices: Cell, beside: str = "Мощность", header: str = "Цена") -> ReadRows:
    """Read a list of which only the prices matter; plain figures stand beside them."""
    lines = [
        (f"A-{number}", name, price, 500 + 13 * number)
        for number, (name, price) in enumerate(zip(GOODS, prices, strict=False))
    ]
    return read_rows([Grid(name="L", rows=(("Артикул", "Наименование", header, beside), *lines))])


@pytest.mark.parametrize(
    ("prices", "total"),
    [
        (["12-50", "8-99", "104-30", "3-25"], "129.04"),
        (["1 240-00", "12 300-50", "980-05"], "14520.55"),
        (["12-00", "8-50", "104", "3-"], "127.50"),
        (["12=50", "8=99", "104=30"], "125.79"),
        (["12-50 руб.", "8-99 руб.", "104-30 руб."], "125.79"),
        (["50 коп.", "1 руб. 5 коп.", "2 р. 50 к."], "4.05"),
        (["≈12,50", "~8,99", "ок. 104,30", "примерно 3"], "128.79"),
        (["12,50*", "8,99 **", "104,30***"], "125.79"),
        (["125 руб/шт", "98,50 руб/м2", "7,20 руб за шт."], "230.70"),
    ],
)
def test_prices_are_read_as_their_column_writes_them(prices: list[str], total: str) -> None:
    rows = read(*prices)

    assert rows.sheets[0].columns["price"] == 2
    assert (rows.sheets[0].price_sum, rows.rejected) == (Decimal(total), ())


@pytest.mark.parametrize(
    "prices",
    [
        ["10-12", "110-125", "99-120", "35-45"],  # a range ends higher than it begins
        ["12-50", "100-150", "8-99"],  # none has three figures for kopecks
        ["12,50/10,00", "8,99/7,50", "104/95"],
        ["15,00 12,50", "10,00 8,99", "7,00 6,50"],
        ["10,50-12,50", "11-12,5", "9,99-12"],
        ["12/50/3", "8/99/1", "104/30/2"],
        ["=12.5", "=8.99", "=104.3"],
        ["125 за 1000 шт", "98 за 1000 шт"],
    ],
)
def test_what_may_be_two_prices_is_refused_and_no_other_column_takes_its_place(
    prices: list[str],
) -> None:
    rows = read(*prices)

    assert rows.sheets[0].columns["price"] == 2
    assert rows.accepted == ()
    assert [(row.row_number, row.column, row.value) for row in rows.rejected] == [
        (number, "price", text) for number, text in enumerate(prices, start=2)
    ]
    assert {row.code for row in rows.rejected} == {"row.price_unreadable"}


def test_a_range_among_prices_costs_only_its_own_row() -> None:
    rows = read("12,50", "10-12", "104,30")

    assert [row.row_number for row in rows.rejected] == [3]
    assert rows.sheets[0].price_sum == Decimal("116.80")


@pytest.mark.parametrize("header", ["Цена", "Цена, руб."])
def test_a_blank_column_of_prices_has_no_substitute_that_is_called_otherwise(header: str) -> None:
    (sheet,) = read(None, None, None, None, header=header).sheets

    assert not sheet.is_price_list


@pytest.mark.parametrize("text", ["12.345", "12,345"])
def test_three_decimals_or_thousands_are_told_by_the_prices_beside_them(text: str) -> None:
    mark = text[2]
    texts = [text, f"8{mark}990", f"104{mark}310", f"3{mark}250"]

    def total(*beside: int, header: str = "Цена опт") -> Decimal:
        head = ("Наименование", "Цена розн", header)
        lines = tuple(zip(GOODS, texts, beside, strict=True))
        return read_rows([Grid(name="L", rows=(head, *lines))]).sheets[0].price_sum

    assert total(11, 8, 90, 3) == Decimal("128.895")
    assert total(11_000, 8_000, 90_000, 3_000) == Decimal(128_895)
    assert total(11, 8, 90, 3, header="Цена, USD") == 0


def test_a_column_that_nothing_explains_is_refused_row_by_row_with_a_cure() -> None:
    rows = read("12.345", "8.990", "104.310", "3.250")

    assert len(rows.rejected) == 4
    assert "two decimals" in rows.rejected[0].message


@pytest.mark.parametrize(
    "header",
    [
        [("Товар", "Руб.", "Коп.")],
        [("Товар", "Цена", None), (None, "руб.", "коп.")],
        [("Товар", "Цена, руб.", "коп.")],
    ],
)
def test_roubles_and_kopecks_in_two_columns_are_one_price(
    header: list[tuple[str | None, ...]],
) -> None:
    lines: list[tuple[Cell, ...]] = [
        (GOODS[0], 12, 50),
        (GOODS[1], "1 240", "05"),
        (GOODS[2], 7, None),
        (GOODS[3], 3, 5),
    ]

    rows = read_rows([Grid(name="L", rows=(*header, *lines))])

    assert [str(row.price.amount) for row in rows.accepted] == ["12.50", "1240.05", "7.00", "3.05"]


def test_a_column_of_kopecks_beside_prices_with_cents_is_left_alone() -> None:
    lines = [(name, 12.5, 50) for name in GOODS]

    rows = read_rows([Grid(name="L", rows=(("Товар", "Цена", "Коп."), *lines))])

    assert rows.sheets[0].price_sum == 50


@pytest.mark.parametrize("header", ["RRP inc VAT", "Опт с НДС", "Розница (без НДС)", "Опт +НДС"])
def test_a_tax_beside_a_kind_of_price_makes_it_no_tax(header: str) -> None:
    rows = read(12.5, 8.99, 104.3, 3.25, header=header)

    assert rows.sheets[0].columns["price"] == 2
    assert rows.sheets[0].columns["sku"] == 0
    assert rows.sheets[0].header_row == 1
