"""Aggregates beside the plainest possible computation of them; and what counts as in stock."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketbel_adapters.testing.builders import fresh_id
from marketbel_core.catalog import (
    ExchangeRates,
    Money,
    Offer,
    ProductAggregates,
    aggregate,
    alike_as_one,
    is_in_stock,
    without_worth,
)
from marketbel_core.ids import ProductId

_PRODUCT = ProductId(fresh_id())
_OFFERS = st.lists(
    st.builds(
        Offer,
        product_id=st.just(_PRODUCT),
        price=st.builds(
            Money,
            st.decimals(min_value=0, max_value=1_000, places=2),
            st.sampled_from(["BYN", "USD", "RUB"]),
        ),
        in_stock=st.booleans(),
        supplier_active=st.booleans(),
    ),
    max_size=8,
)


def an_offer(
    amount: str, *, currency: str = "BYN", in_stock: bool = True, active: bool = True
) -> Offer:
    return Offer(
        product_id=_PRODUCT,
        price=Money(Decimal(amount), currency),
        in_stock=in_stock,
        supplier_active=active,
    )


@given(_OFFERS)
def test_it_is_what_looking_at_every_offer_gives(offers: list[Offer]) -> None:
    lowest = None
    anywhere = False
    for offer in offers:
        if not offer.supplier_active:
            continue
        anywhere = anywhere or offer.in_stock
        if offer.price.currency != "BYN":
            continue
        if lowest is None or offer.price.amount < lowest:
            lowest = offer.price.amount

    got = aggregate(offers, rates=ExchangeRates())

    assert got == ProductAggregates(min_price=lowest, availability=anywhere)


@given(_OFFERS, st.randoms(use_true_random=False))
def test_the_order_of_offers_does_not_matter(offers: list[Offer], random: Random) -> None:
    shuffled = list(offers)
    random.shuffle(shuffled)

    assert aggregate(shuffled, rates=ExchangeRates()) == aggregate(offers, rates=ExchangeRates())


def test_without_offers_there_is_no_price_and_nobody_has_it() -> None:
    assert aggregate([], rates=ExchangeRates()) == ProductAggregates(
        min_price=None, availability=False
    )


def test_an_inactive_supplier_sets_no_price_and_has_nothing() -> None:
    offers = [an_offer("1.00", active=False), an_offer("5.00", in_stock=False)]

    got = aggregate(offers, rates=ExchangeRates())

    assert got == ProductAggregates(min_price=Decimal("5.00"), availability=False)


def test_another_currency_makes_it_available_but_sets_no_price() -> None:
    got = aggregate([an_offer("1.00", currency="USD")], rates=ExchangeRates())

    assert got == ProductAggregates(min_price=None, availability=True)


def test_a_price_of_nothing_is_a_price() -> None:
    got = aggregate([an_offer("0.00"), an_offer("3.00")], rates=ExchangeRates())

    assert got.min_price == Decimal(0)


@pytest.mark.parametrize("value", [True, "true", "TRUE", " yes ", "1", 1])
def test_these_words_say_in_stock(value: object) -> None:
    assert is_in_stock({"in_stock": value})


@pytest.mark.parametrize("value", [False, "false", "no", "0", 0, None, "", "on request", 2, []])
def test_other_words_do_not(value: object) -> None:
    assert not is_in_stock({"in_stock": value})


def test_silence_is_not_in_stock() -> None:
    assert not is_in_stock({})


_RATES = ExchangeRates(rates={"USD": Decimal("3.2"), "RUB": Decimal("0.035")})


def test_a_price_with_a_rate_is_compared_for_what_it_is_worth() -> None:
    offers = [an_offer("3.30"), an_offer("1.00", currency="USD"), an_offer("90", currency="RUB")]

    assert aggregate(offers, rates=_RATES).min_price == Decimal("3.15")


def test_what_has_no_rate_is_counted_by_currency() -> None:
    offers = [
        an_offer("1.00", currency="EUR"),
        an_offer("2.00", currency="EUR"),
        an_offer("1.00", currency="EUR", active=False),
        an_offer("1.00", currency="USD"),
        an_offer("1.00"),
    ]

    assert without_worth(offers, rates=_RATES) == {"EUR": 2}


def test_a_price_worth_more_than_the_catalogue_keeps_sets_no_lowest_price() -> None:
    offers = [an_offer("99999999.99", currency="USD")]

    assert aggregate(offers, rates=_RATES).min_price is None
    assert without_worth(offers, rates=_RATES) == {"USD": 1}


@given(_OFFERS)
def test_offers_taken_together_say_what_they_said_one_by_one(offers: list[Offer]) -> None:
    together = alike_as_one(offers)

    assert aggregate(together, rates=_RATES) == aggregate(offers, rates=_RATES)
    assert without_worth(together, rates=_RATES) == without_worth(offers, rates=_RATES)
    assert sum(offer.items for offer in together) == len(offers)


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", {}),
        ("USD=3.2,RUB=0.035", {"USD": Decimal("3.2"), "RUB": Decimal("0.035")}),
        (" USD = 3.2 , ", {"USD": Decimal("3.2")}),
        ("BYN=1", {"BYN": Decimal(1)}),
    ],
)
def test_rates_are_read_as_they_are_written(text: str, rates: dict[str, Decimal]) -> None:
    assert ExchangeRates.parse(text, currency="BYN").rates == rates


@pytest.mark.parametrize(
    "text",
    [
        *("USD", "USD=", "USD=x", "usd=1", "USD=0", "USD=-1", "USD=inf", "USD=nan", "BYN=2"),
        *("USD=1,USD=2", "EURO=3"),
    ],
)
def test_rates_that_say_nothing_usable_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"USD|EURO|BYN|capital"):
        ExchangeRates.parse(text, currency="BYN")
