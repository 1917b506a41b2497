"""Money: what it takes, what it refuses."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_core.catalog import AMOUNT_MAX, CURRENCIES, DEFAULT_CURRENCY, Money

_CENT = Decimal("0.01")


@given(st.decimals(min_value=0, max_value=AMOUNT_MAX, places=2))
def test_every_amount_of_the_column_is_taken_as_it_is(amount: Decimal) -> None:
    assert Money(amount).amount == amount


def test_nothing_said_about_the_currency_means_the_catalogues() -> None:
    assert Money(Decimal(1)) == Money(Decimal("1.00"), DEFAULT_CURRENCY)


@pytest.mark.parametrize("amount", [Decimal(0), _CENT, AMOUNT_MAX, Decimal("1E+2")])
def test_the_bounds_belong_to_the_range(amount: Decimal) -> None:
    assert Money(amount).amount == amount


@pytest.mark.parametrize(
    "amount",
    [
        -_CENT,
        AMOUNT_MAX + _CENT,
        Decimal("0.001"),
        Decimal("1E-30"),
        Decimal("1E+9"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
    ],
)
def test_other_amounts_are_refused(amount: Decimal) -> None:
    with pytest.raises(ValueError, match="amount must"):
        Money(amount)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_whatever_is_taken_is_in_range_and_whole_cents(amount: Decimal) -> None:
    try:
        money = Money(amount)
    except ValueError:
        return

    assert 0 <= money.amount <= AMOUNT_MAX
    assert money.amount % _CENT == 0


def test_the_old_rouble_is_no_currency_in_use() -> None:
    assert DEFAULT_CURRENCY in CURRENCIES
    assert "BYR" not in CURRENCIES


@pytest.mark.parametrize("currency", ["USD", "XXX"])
def test_three_capital_letters_are_a_currency(currency: str) -> None:
    assert Money(Decimal(1), currency).currency == currency


@pytest.mark.parametrize(
    "currency", ["", "usd", "US", "USDT", "A1B", "РУБ", "ÄÖÜ", "US ", "USD\n"]
)
def test_nothing_else_is_a_currency(currency: str) -> None:
    with pytest.raises(ValueError, match="currency must"):
        Money(Decimal(1), currency)
