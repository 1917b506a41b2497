"""Words beside a price: whose money it is, and how much a figure counts."""

import pytest

from marketbel_core.catalog import CURRENCIES
from marketbel_core.intake.money_words import (
    ROUBLES,
    UNKNOWN_CURRENCY,
    currency_in_cell,
    currency_in_header,
    is_amount_scaled,
    is_scaled,
    named_currency,
    settled_currency,
)


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_every_code_in_use_is_taken_as_it_is(code: str) -> None:
    assert currency_in_cell(code) == code
    assert currency_in_cell(code.lower()) == code
    assert currency_in_header(f"Цена, {code}") == code


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("Цена, BYN", "BYN"),
        ("Цена (USD)", "USD"),
        ("EURO", "EUR"),
        ("бел.руб.", "BYN"),
        ("белорусских рублей", "BYN"),
        ("Цена, руб. РБ", "BYN"),
        ("Цена, руб. (BYN)", "BYN"),
        ("рос. руб", "RUB"),
        ("Опт, руб.", ROUBLES),
        ("Цена за уп., р.", ROUBLES),
        ("Цена в тенге", "KZT"),
        ("Цена, C$", "CAD"),
        ("доллары США", "USD"),
        ("чешские кроны", "CZK"),
        ("Р.Р.Ц., USD", "USD"),
        ("М.Р.Ц.", None),
        ("Brand", None),
        ("Price, NET", None),
        ("Цена (PCS)", None),
        ("Цена с 01.09", None),
        ("", None),
        ("Цена, XYZ", UNKNOWN_CURRENCY),
        ("Price (XYZ)", UNKNOWN_CURRENCY),
        ("Цена в XYZ", UNKNOWN_CURRENCY),
        ("Price XYZ", UNKNOWN_CURRENCY),
        ("Цена, BYR", UNKNOWN_CURRENCY),
        ("Цена, кроны", UNKNOWN_CURRENCY),
        ("Цена ¥", UNKNOWN_CURRENCY),
        ("Цена ₿", UNKNOWN_CURRENCY),
        ("Цена USD/BYN", UNKNOWN_CURRENCY),
        ("Цена в валюте", UNKNOWN_CURRENCY),
    ],
)
def test_a_header_names_a_currency_we_know_one_we_do_not_or_none(
    text: str, currency: str | None
) -> None:
    assert currency_in_header(text) == currency


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("руб.", ROUBLES),
        ("933", "BYN"),
        ("Br", "BYN"),
        ("BYN/шт", "BYN"),
        ("$", "USD"),
        ("", None),
        ("-", None),
        ("XYZ", UNKNOWN_CURRENCY),
        ("BYR", UNKNOWN_CURRENCY),
        ("тугриты", UNKNOWN_CURRENCY),
        ("3.25", UNKNOWN_CURRENCY),
        ("USD/BYN", UNKNOWN_CURRENCY),
    ],
)
def test_a_cell_of_the_column_names_a_currency_unless_it_is_blank(
    text: str, currency: str | None
) -> None:
    assert currency_in_cell(text) == currency


@pytest.mark.parametrize(
    ("names", "currency"),
    [
        ((), "BYN"),
        ((None, None), "BYN"),
        ((None, "KZT", "EUR"), "KZT"),
        ((ROUBLES,), "BYN"),
        ((ROUBLES, "RUB"), "RUB"),
        ((None, ROUBLES, "USD"), "BYN"),
        ((UNKNOWN_CURRENCY, "BYN"), UNKNOWN_CURRENCY),
        (("USD", UNKNOWN_CURRENCY), "USD"),
    ],
)
def test_the_first_name_counts_and_plain_roubles_are_no_dollars(
    names: tuple[str | None, ...], currency: str
) -> None:
    assert settled_currency(*names) == currency


@pytest.mark.parametrize(
    "header",
    [
        "Цена, тыс. руб.",
        "Цена, млн руб",
        "в тысячах рублей",
        "Ціна, тис. грн",
        "Price, thousand USD",
        "Цена (000 руб.)",
        "Цена, руб. x1000",
        "Цена за 1000 шт",
        "Цена за 1 000 шт.",
        "Цена за 1 тыс. шт",
        "Цена за 10 шт",
        "Цена руб/тыс.шт",
        "Цена, руб./1000 шт",
        "Price per 1000 pcs",
    ],
)
def test_a_header_may_count_thousands(header: str) -> None:
    assert is_scaled(header)


@pytest.mark.parametrize(
    "header",
    [
        "Цена",
        "Цена за 1 шт",
        "Цена за 100 г",
        "Цена за 2024 год",
        "Цена за пару",
        "Опт от 50 тыс. руб.",
        "Цена до 100-150 тыс",
        "Крупный опт свыше 300 000 руб",
        "Цена от 1000 шт",
        "Цена 50x1000 мм",
    ],
)
def test_the_size_of_an_order_or_of_an_article_scales_nothing(header: str) -> None:
    assert not is_scaled(header)


@pytest.mark.parametrize("cell", ["1,5 тыс. руб.", "5тыс", "1,5 млн", "5 за 1000 шт", "5 за тыс."])
def test_an_amount_may_count_thousands(cell: str) -> None:
    assert is_amount_scaled(cell)


def test_an_amount_for_one_piece_counts_itself() -> None:
    assert not is_amount_scaled("5 руб. за шт")


def test_a_text_of_several_currencies_names_none_that_we_know() -> None:
    assert named_currency("5 usd / 16 byn") == UNKNOWN_CURRENCY
