"""Products: our own entries in the catalogue, to which supplier items are linked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from marketbel_core.ids import CategoryId, ProductId, SupplierId, SupplierItemId

__all__ = ["Product", "ProductStatus", "draft_id", "internal_sku"]

_DRAFTS: Final = UUID("6f1d3c54-6a0e-5d0b-9c0f-0d7a2d6f5b11")
_SKU_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SKU_TAIL_LENGTH: Final = 4


class ProductStatus(StrEnum):
    """Where a product stands in its life; the values of the database's enum."""

    DRAFT = "draft"  # made by the matcher for an item that no product resembled
    ACTIVE = "active"  # sold
    ARCHIVED = "archived"  # kept for history; never a candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One entry of the catalogue.

    Attributes:
        internal_sku: `PROD-{milliseconds}-{4 of A-Z0-9}`, unique.
        created_at: Of two equal candidates the older one wins (aware, UTC).
        drafted_for: The supplier whose item this product was drafted from.
    """

    id: ProductId
    internal_sku: str
    name: str
    status: ProductStatus
    created_at: datetime
    category_id: CategoryId | None = None
    drafted_for: SupplierId | None = None


def draft_id(item_id: SupplierItemId) -> ProductId:
    """Return the id of the product drafted from an item: the same at every run and worker."""
    return ProductId(uuid5(_DRAFTS, str(item_id)))


def internal_sku(product_id: ProductId, *, at: datetime) -> str:
    """Return the product's article number, `PROD-{epoch ms}-{4 of A-Z0-9}`."""
    rest = product_id.int
    tail = ""
    for _ in range(_SKU_TAIL_LENGTH):
        rest, digit = divmod(rest, len(_SKU_ALPHABET))
        tail += _SKU_ALPHABET[digit]
    return f"PROD-{int(at.timestamp() * 1000)}-{tail}"
