"""What a product's offers add up to: its lowest price and whether anybody has it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from marketbel_core.catalog.money import Money
from marketbel_core.catalog.rates import ExchangeRates
from marketbel_core.ids import ProductId

__all__ = ["Offer", "ProductAggregates", "aggregate", "alike_as_one", "without_worth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Linked items, seen from their product: one of them, or several alike but for the price.

    Attributes:
        price: The item's; of several that share currency and stock, the lowest.
        supplier_active: Whether the items' suppliers are active.
        items: How many it stands for, at least 1.
    """

    product_id: ProductId
    price: Money
    in_stock: bool
    supplier_active: bool = True
    items: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductAggregates:
    """The figures kept with a product.

    Attributes:
        min_price: The lowest offer in the catalogue's currency; `None` without one.
        availability: Whether at least one active supplier has it in stock.
    """

    min_price: Decimal | None
    availability: bool


def aggregate(offers: Iterable[Offer], *, rates: ExchangeRates) -> ProductAggregates:
    """Return the aggregates of one product's `offers`.

    Offers of inactive suppliers do not count. A price in another currency counts for what `rates`
    say that it is worth, and sets no lowest price without a rate: amounts of two currencies are
    never compared.
    """
    live = [offer for offer in offers if offer.supplier_active]
    worths = (rates.worth(offer.price) for offer in live)
    return ProductAggregates(
        min_price=min((worth for worth in worths if worth is not None), default=None),
        availability=any(offer.in_stock for offer in live),
    )


def alike_as_one(offers: Iterable[Offer]) -> list[Offer]:
    """Return the offers with those that differ in nothing but the price as one, the lowest.

    What `aggregate` and `without_worth` say of a product is the same before and after.
    """
    lowest: dict[tuple[object, ...], Offer] = {}
    for offer in offers:
        kind = (offer.product_id, offer.price.currency, offer.in_stock, offer.supplier_active)
        known = lowest.get(kind, replace(offer, items=0))
        low = min(known, offer, key=lambda one: one.price.amount)
        lowest[kind] = replace(low, items=known.items + offer.items)
    return list(lowest.values())


def without_worth(offers: Iterable[Offer], *, rates: ExchangeRates) -> Counter[str]:
    """Return how many live items set no lowest price for want of a rate, by currency."""
    counts: Counter[str] = Counter()
    for offer in offers:
        if offer.supplier_active and rates.worth(offer.price) is None:
            counts[offer.price.currency] += offer.items
    return counts
