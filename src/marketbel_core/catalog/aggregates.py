"""What a product's offers add up to: its lowest price and whether anybody has it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from marketbel_core.catalog.money import Money
from marketbel_core.ids import ProductId

__all__ = ["Offer", "ProductAggregates", "aggregate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A linked item, seen from its product.

    Attributes:
        supplier_active: Whether the item's supplier is active.
    """

    product_id: ProductId
    price: Money
    in_stock: bool
    supplier_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductAggregates:
    """The figures kept with a product.

    Attributes:
        min_price: The lowest offer in the catalogue's currency; `None` without one.
        availability: Whether at least one active supplier has it in stock.
    """

    min_price: Decimal | None
    availability: bool


def aggregate(offers: Iterable[Offer], *, currency: str) -> ProductAggregates:
    """Return the aggregates of one product's `offers`.

    Offers of inactive suppliers do not count. Prices in another currency set no lowest price:
    amounts of two currencies are never compared.
    """
    live = [offer for offer in offers if offer.supplier_active]
    prices = [offer.price.amount for offer in live if offer.price.currency == currency]
    return ProductAggregates(
        min_price=min(prices, default=None),
        availability=any(offer.in_stock for offer in live),
    )
