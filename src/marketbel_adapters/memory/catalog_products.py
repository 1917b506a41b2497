"""The products of the memory catalogue; internal skus are unique."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from marketbel_adapters.catalog_values import strict_json
from marketbel_adapters.memory.catalog_state import State, StoredProduct, conflict
from marketbel_core.catalog import AMOUNT_MAX, Product, ProductAggregates, ProductStatus
from marketbel_core.errors import RefusedError
from marketbel_core.ids import ProductId
from marketbel_core.ports import Founded, ProductChanges, Products

__all__ = ["MemoryProducts", "insert_product"]

_NAME_LENGTH_MAX: Final = 500
_SKU_LENGTH_MAX: Final = 100


class MemoryProducts(Products):
    """The products, on a unit's draft."""

    def __init__(self, draft: State) -> None:
        self._draft = draft

    async def add(self, products: Iterable[Product]) -> None:
        for product in products:
            # Who a product was drafted for is known by the drafting alone.
            insert_product(self._draft, replace(product, drafted_for=None))

    async def matchable(self) -> list[Product]:
        found = [
            stored.product
            for stored in self._draft.products.values()
            if stored.product.status is not ProductStatus.ARCHIVED
        ]
        return sorted(found, key=lambda product: (product.created_at, product.id))

    async def changes(self, since: str | None) -> ProductChanges:  # noqa: ARG002 - tells all
        products = await self.matchable()
        return ProductChanges(products=products, gone=(), total=len(products), mark="all")

    async def matchable_ids(self) -> frozenset[ProductId]:
        return frozenset(product.id for product in await self.matchable())

    async def founded(self) -> int:
        return len(self._draft.drafts)

    async def found_alone(self, *, since: int) -> Founded:
        # Units run one after the other: no other one founds anything now.
        later = dict.fromkeys(self._draft.drafts[since:])
        matchable = await self.matchable()
        return Founded(
            products=[product for product in matchable if product.id in later],
            position=len(self._draft.drafts),
        )

    async def lock(self, product_ids: Sequence[ProductId]) -> list[ProductId]:
        return sorted(set(product_ids) & self._draft.products.keys())

    async def record_aggregates(
        self,
        aggregates: Mapping[ProductId, ProductAggregates],
        *,
        at: datetime,  # noqa: ARG002  # memory keeps no instant of change for products
    ) -> int:
        changed = 0
        for product_id, figures in aggregates.items():
            if figures.min_price is not None and not 0 <= figures.min_price <= AMOUNT_MAX:
                raise RefusedError("catalog.refused_value", f"lowest price {figures.min_price}")
            stored = self._draft.products.get(product_id)
            if stored is None or stored.aggregates == figures:
                continue
            self._draft.products[product_id] = replace(stored, aggregates=figures)
            changed += 1
        return changed


def insert_product(draft: State, product: Product) -> None:
    """Store the product unless its id is stored already.

    Raises:
        UnavailableError: its internal sku belongs to another product.
        RefusedError: its name or sku cannot be stored.
    """
    if product.id in draft.products:
        return
    strict_json([product.name, product.internal_sku], of=f"product {product.id}")
    if len(product.name) > _NAME_LENGTH_MAX or len(product.internal_sku) > _SKU_LENGTH_MAX:
        raise RefusedError("catalog.refused_value", f"product {product.id}: name or sku too long")
    if product.internal_sku in draft.skus:
        raise conflict(f"internal sku {product.internal_sku} is taken")
    draft.products[product.id] = StoredProduct(product=product)
    draft.skus.add(product.internal_sku)
