"""Supplier items: the lines of suppliers' lists, as accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from marketbel_core.catalog.money import Money
from marketbel_core.ids import CategoryId, ProductId, SupplierId, SupplierItemId

__all__ = [
    "CURRENCY_KEY",
    "ENRICHED_KEY",
    "RETAIL_PRICE_KEY",
    "STOCK_KEY",
    "WHOLESALE_PRICE_KEY",
    "MatchStatus",
    "SupplierItem",
    "as_listed",
    "is_in_stock",
    "price_currency_key",
    "price_key",
]

CURRENCY_KEY: Final = "_currency"
"""The characteristic that names the main price's currency; absent for the catalogue's own."""

STOCK_KEY: Final = "in_stock"
"""The characteristic that says whether the supplier has it."""

ENRICHED_KEY: Final = "_enriched"
"""The characteristic that names those which we added, each with what the list says there:
`null` where it says nothing. What a list would change is told without them."""

WHOLESALE_PRICE_KEY: Final = "_price_wholesale"
RETAIL_PRICE_KEY: Final = "_price_retail"

_YES_WORDS = frozenset({"true", "yes", "1"})


class MatchStatus(StrEnum):
    """How far an item's way to a product has come; the values of the database's enum."""

    UNMATCHED = "unmatched"  # not looked at yet, or given back
    AUTO_MATCHED = "auto_matched"  # linked by the matcher, to a known product or to a draft
    POTENTIAL_MATCH = "potential_match"  # waits for a person's verdict
    VERIFIED_MATCH = "verified_match"  # a person decided; the matcher never touches it again


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierItem:
    """One line of one supplier's list.

    Attributes:
        sku: The supplier's own article number, unique within the supplier.
        name: 1 to 500 characters.
        price: The main price of the line.
        characteristics: Everything else that the line said, by column; the prices of other kinds
            under `price_key`.
        product_id: The product that the item is linked to.
        created_at: When the item was first seen (aware, UTC).
        category_id: The category of the catalogue that somebody gave the item.
    """

    id: SupplierItemId
    supplier_id: SupplierId
    sku: str
    name: str
    price: Money
    characteristics: Mapping[str, object]
    product_id: ProductId | None
    match_status: MatchStatus
    created_at: datetime
    category_id: CategoryId | None = None


def is_in_stock(characteristics: Mapping[str, object]) -> bool:
    """Tell whether the characteristic `in_stock` says yes: true, "true", "yes" or 1."""
    return str(characteristics.get(STOCK_KEY, "")).strip().lower() in _YES_WORDS


def as_listed(characteristics: Mapping[str, object]) -> dict[str, object]:
    """Return the characteristics as the list said them, without what we added ourselves."""
    said = dict(characteristics)
    added = said.get(ENRICHED_KEY)
    if not isinstance(added, Mapping):
        return said
    kept = {key: value for key, value in said.items() if key not in added and key != ENRICHED_KEY}
    return kept | {key: value for key, value in added.items() if value is not None}


def price_key(kind: str) -> str:
    """Return the characteristic that holds a price of this kind: `wholesale`, `retail`, …"""
    return f"_price_{kind}"


def price_currency_key(key: str) -> str:
    """Return the characteristic that names the currency of the price under `key`.

    It is absent where the price is in the main price's currency.
    """
    return f"{key}_currency"
