"""Values as people type them."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.catalog import AMOUNT_MAX
from marketbel_core.intake import (
    Cell,
    DecimalMark,
    ParsedPrice,
    PriceRefusal,
    cell_text,
    clean_text,
    decimal_mark_of,
    parse_price,
)
from marketbel_core.intake.money_words import ROUBLES

POINT, COMMA, UNKNOWN = DecimalMark.POINT, DecimalMark.COMMA, DecimalMark.UNKNOWN


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("1 234,56 руб.", "1234.56", ROUBLES),
        ("1\u00a0234,56\u00a0руб./шт", "1234.56", ROUBLES),
        ("1\u202f234,56 р", "1234.56", ROUBLES),
        ("1.234,56", "1234.56", None),
        ("2,400.00р.", "2400.00", ROUBLES),
        ("3 445,00р.", "3445.00", ROUBLES),
        ("$1,234.56", "1234.56", "USD"),
        ("$ 99", "99.00", "USD"),
        ("1234.56 BYN", "1234.56", "BYN"),
        ("12,5 бел. руб.", "12.50", "BYN"),
        ("21'600.00", "21600.00", None),
        ("21’600", "21600.00", None),
        ("1 234 567.8", "1234567.80", None),
        ("1.234.567", "1234567.00", None),
        ("1,234,567", "1234567.00", None),
        ("0,125", "0.13", None),
        ("1234.500", "1234.50", None),
        ("12,5 €", "12.50", "EUR"),
        ("990 ₽", "990.00", "RUB"),
        ("45 грн", "45.00", "UAH"),
        ("5 000 тенге", "5000.00", "KZT"),
        ("5 CNY/шт", "5.00", "CNY"),
        ("100.-", "100.00", None),
        ("5,50 за кг", "5.50", None),
        (12.5, "12.50", None),
        (12, "12.00", None),
        (2.675, "2.68", None),
        (1e6, "1000000.00", None),
        (Decimal("0.005"), "0.01", None),
        ("99999999.99", "99999999.99", None),
    ],
)
def test_a_price_is_read_as_it_is_meant(cell: Cell, amount: str, currency: str | None) -> None:
    assert parse_price(cell) == ParsedPrice(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (None, "row.no_price"),
        ("", "row.no_price"),
        ("-", "row.no_price"),
        (",", "row.no_price"),
        ("договорная", "row.no_price"),
        ("Звоните!!!", "row.no_price"),
        ("по запросу", "row.no_price"),
        (0, "row.no_price"),
        ("0,00 р.", "row.no_price"),
        ("0.001", "row.no_price"),
        (-5, "row.price_negative"),
        ("-12,50", "row.price_negative"),
        ("−12,50", "row.price_negative"),
        ("NaN", "row.price_unreadable"),
        ("-inf", "row.price_unreadable"),
        (float("nan"), "row.price_unreadable"),
        (float("inf"), "row.price_unreadable"),
        ("1e999999", "row.price_unreadable"),
        ("1_000", "row.price_unreadable"),
        ("１２,５０", "row.price_unreadable"),
        ("٣", "row.price_unreadable"),
        ("100000000", "row.price_unreadable"),
        (99_999_999.995, "row.price_unreadable"),
        ("9" * 200, "row.price_unreadable"),
        ("от 99 до 120", "row.price_unreadable"),
        ("12 34", "row.price_unreadable"),
        ("1,23,456.7", "row.price_unreadable"),
        ("12.34.5", "row.price_unreadable"),
        ("1.2,3,4", "row.price_unreadable"),
        ("5 тыс. руб.", "row.price_unreadable"),
        ("5 руб./тыс.", "row.price_unreadable"),
        ("5 BYR", "row.currency_unknown"),
        ("5 XYZ", "row.currency_unknown"),
        ("XYZ 5", "row.currency_unknown"),
        ("¥500", "row.currency_unknown"),
        ("$5 / 16 BYN", "row.price_unreadable"),
        (True, "row.price_unreadable"),
        (date(2026, 1, 2), "row.price_unreadable"),
        (timedelta(hours=1), "row.price_unreadable"),
    ],
)
def test_what_is_no_price_is_refused_with_a_reason(cell: Cell, code: str) -> None:
    refusal = parse_price(cell)

    assert isinstance(refusal, PriceRefusal)
    assert refusal.code == code
    assert refusal.message


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["214.393", "339.25"], POINT),
        (["12.500", "7,5"], COMMA),
        (["1,234", "950", "12"], POINT),
        (["1.234", "950"], COMMA),
        (["1,234.50", "12"], POINT),
        (["1.234.567", "12.500"], COMMA),
        (["12.500", "1.200"], UNKNOWN),
        (["12.5", "12,5"], UNKNOWN),
        (["12", "звоните", ""], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_a_column_tells_its_decimal_mark(texts: list[str], mark: DecimalMark) -> None:
    assert decimal_mark_of(texts) is mark


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("12.500", POINT, "12.50"),
        ("12.500", COMMA, "12500.00"),
        ("1,234", COMMA, "1.23"),
        ("1,234", POINT, "1234.00"),
        ("1,5", POINT, "1.50"),
    ],
)
def test_an_ambiguous_price_is_read_by_its_column(
    text: str, mark: DecimalMark, amount: str
) -> None:
    assert parse_price(text, mark=mark) == ParsedPrice(Decimal(amount))


def test_a_price_that_stays_ambiguous_is_not_guessed() -> None:
    refusal = parse_price("12.500", mark=UNKNOWN)

    assert isinstance(refusal, PriceRefusal)
    assert "thousands" in refusal.message


AMOUNTS = st.decimals(min_value=Decimal("0.01"), max_value=AMOUNT_MAX, places=2)


@given(
    AMOUNTS, st.sampled_from([" ", "\u00a0", "'", "", "."]), st.sampled_from(["", " руб.", "р."])
)
def test_an_amount_written_the_continental_way_comes_back(
    amount: Decimal, group: str, currency: str
) -> None:
    text = f"{amount:,.2f}".replace(",", "g").replace(".", ",").replace("g", group) + currency

    assert parse_price(text) == ParsedPrice(amount, ROUBLES if currency else None)


@given(AMOUNTS, st.sampled_from(["$", "USD ", ""]))
def test_an_amount_written_the_english_way_comes_back(amount: Decimal, currency: str) -> None:
    price = parse_price(f"{currency}{amount:,.2f}")

    assert price == ParsedPrice(amount, "USD" if currency else None)


@given(AMOUNTS)
def test_a_number_of_a_workbook_comes_back(amount: Decimal) -> None:
    assert parse_price(float(amount)) == ParsedPrice(amount)


@given(st.text(max_size=80), st.sampled_from(DecimalMark))
def test_any_text_is_a_price_or_a_reason(text: str, mark: DecimalMark) -> None:
    price = parse_price(text, mark=mark)

    assert isinstance(price, PriceRefusal) or 0 < price.amount <= AMOUNT_MAX


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Молоко\u00a0 3,2\u2009% \n1 л ", "Молоко 3,2 % 1 л"),
        ("Мо\u200bло\ufeffко\u00ad", "Молоко"),
        ("a\x00b\ud800c", "abc"),
        ("\u200b\x00 ", ""),
        ("й", "й"),
        ("plain", "plain"),
    ],
)
def test_invisible_characters_go(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)

    assert clean_text(once) == once


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("007", "007"),
        (123.0, "123"),
        (1e-05, "0.00001"),
        (12.5, "12.5"),
        (4607001234567.0, "4607001234567"),
        (float("nan"), "nan"),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (False, "false"),
        (date(2026, 9, 1), "2026-09-01"),
        (datetime.fromisoformat("2026-09-01"), "2026-09-01"),
        (datetime.fromisoformat("2026-09-01 08:30"), "2026-09-01 08:30:00"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_a_cell_is_shown_as_a_person_sees_it(cell: Cell, text: str) -> None:
    assert cell_text(cell) == text
