"""The prices of a row: which kind each is, in whose money, and when it is refused."""

import pytest

from marketbel_core.catalog import (
    RETAIL_PRICE_KEY,
    WHOLESALE_PRICE_KEY,
    price_currency_key,
    price_key,
)
from marketbel_core.intake import Cell, Grid, ReadRows, read_rows
from marketbel_core.intake.headers import meaning_of


def rows_of(*rows: list[Cell]) -> ReadRows:
    return read_rows([Grid(name="Лист1", rows=tuple(tuple(row) for row in rows))])


def currencies_of(rows: ReadRows) -> list[str]:
    return [row.price.currency for row in rows.accepted]


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Опт", WHOLESALE_PRICE_KEY),
        ("Оптовая цена", WHOLESALE_PRICE_KEY),
        ("Wholesale price", WHOLESALE_PRICE_KEY),
        ("Розничная цена", RETAIL_PRICE_KEY),
        ("РРЦ", RETAIL_PRICE_KEY),
        ("Рекомендованная цена", RETAIL_PRICE_KEY),
        ("Закупочная цена", "_price_purchase"),
        ("Предзаказ", "_price_preorder"),
    ],
)
def test_the_kind_that_a_header_names_is_the_key_of_the_price(header: str, key: str) -> None:
    meaning = meaning_of(header)

    assert meaning is not None
    assert price_key(meaning.price_kind) == key


def test_a_price_in_another_currency_than_the_main_one_names_it() -> None:
    rows = rows_of(
        ["Товар", "Цена, BYN", "Опт, USD", "РРЦ", "Закупка"],
        ["Чай", 5, 2, "3 EUR", "4 руб."],
        ["Рис", "$5", 2, 3, 4],
    )

    assert rows.accepted[0].characteristics == {
        WHOLESALE_PRICE_KEY: "2.00",
        price_currency_key(WHOLESALE_PRICE_KEY): "USD",
        RETAIL_PRICE_KEY: "3.00",
        price_currency_key(RETAIL_PRICE_KEY): "EUR",
        "_price_purchase": "4.00",
    }
    assert rows.accepted[1].characteristics == {
        WHOLESALE_PRICE_KEY: "2.00",
        RETAIL_PRICE_KEY: "3.00",
        "_price_purchase": "4.00",
    }


def test_a_further_price_that_is_not_understood_is_left_out() -> None:
    rows = rows_of(
        ["Товар", "Цена", "Опт, XYZ", "РРЦ, тыс. руб.", "Закупка"], ["Чай", 5, 2, 3, "4 XYZ"]
    )

    assert rows.without_item == ()
    assert rows.accepted[0].characteristics == {}


def test_a_currency_of_the_world_is_taken_as_it_is() -> None:
    by_column = rows_of(["Товар", "Цена", "Валюта"], ["Чай", 5, "KZT"], ["Рис", 5, "юань"])
    by_header = rows_of(["Товар", "Цена, CNY"], ["Чай", 5], ["Рис", "6 TRY"])
    by_long_header = rows_of(["Товар", "Цена", "Валюта цены"], ["Чай", 5, "KZT"])

    assert currencies_of(by_column) == ["KZT", "CNY"]
    assert currencies_of(by_header) == ["CNY", "TRY"]
    assert currencies_of(by_long_header) == ["KZT"]


def test_a_blank_currency_falls_back_to_the_header_then_to_ours() -> None:
    named = rows_of(["Товар", "Цена, KZT", "Валюта"], ["Чай", 5, None], ["Рис", 5, "-"])
    unnamed = rows_of(["Товар", "Цена", "Валюта"], ["Чай", 5, ""], ["Рис", 5, "USD"])

    assert currencies_of(named) == ["KZT", "KZT"]
    assert currencies_of(unnamed) == ["BYN", "USD"]


def test_plain_roubles_are_never_the_dollars_of_the_header() -> None:
    rows = rows_of(["Товар", "Цена, USD"], ["Чай", "5 руб."], ["Рис", 5])

    assert currencies_of(rows) == ["BYN", "USD"]


@pytest.mark.parametrize(
    ("header", "cell", "currency", "label", "value"),
    [
        ("Цена", 5, "XYZ", "currency", "XYZ"),
        ("Цена, BYN", 5, "BYR", "currency", "BYR"),
        ("Цена, XYZ", 5, None, "price", "5"),
        ("Цена, BYR", 5, None, "price", "5"),
        ("Цена", "5 XYZ", "BYN", "price", "5 XYZ"),
        ("Цена", "¥500", None, "price", "¥500"),
    ],
)
def test_a_currency_that_is_not_known_is_never_taken_for_ours(
    header: str, cell: Cell, currency: Cell, label: str, value: str
) -> None:
    rows = rows_of(["Товар", header, "Валюта"], ["Чай", cell, currency], ["Рис", "6 USD", "USD"])

    assert currencies_of(rows) == ["USD"]
    (rejected,) = rows.without_item
    assert (rejected.code, rejected.column) == ("row.currency_unknown", label)
    assert rejected.value == value
    assert "currency cannot be told" in rejected.message


@pytest.mark.parametrize("header", ["Цена, тыс. руб.", "Цена за 1000 шт", "Price, mln"])
def test_prices_below_a_header_of_thousands_are_refused(header: str) -> None:
    rows = rows_of(["Товар", header], ["Чай", 5], ["Рис", "звоните"])

    assert rows.accepted == ()
    assert [row.code for row in rows.without_item] == ["row.price_unreadable", "row.no_price"]
    assert repr(header) in rows.without_item[0].message


@pytest.mark.parametrize("cell", ["5 тыс. руб.", "1,5 млн", "5 за 1000 шт", "5 руб./тыс."])
def test_a_price_in_thousands_is_refused_even_where_there_is_no_other(cell: str) -> None:
    rows = rows_of(["Товар", "Цена"], ["Чай", cell])

    (rejected,) = rows.without_item
    assert rejected.code == "row.price_unreadable"
    assert "thousands" in rejected.message


def test_a_price_that_can_be_read_is_the_main_one_before_one_in_thousands() -> None:
    rows = rows_of(["Товар", "Цена, тыс. руб.", "Цена, руб."], ["Чай", 0.005, 5])

    assert [str(row.price.amount) for row in rows.accepted] == ["5.00"]
    assert rows.without_item == ()
