"""The steps that tests of the catalogue are made of, one unit of work each."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Unpack

from marketbel_adapters.testing.builders import (
    NOW,
    ProductChanges,
    SupplierChanges,
    a_product,
    a_row,
    a_supplier,
)
from marketbel_core.catalog import (
    ExchangeRates,
    Money,
    Offer,
    Product,
    Supplier,
    SupplierItem,
    aggregate,
)
from marketbel_core.ids import ProductId, SupplierId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.matching import (
    Drafted,
    ForReview,
    Linked,
    MatchOutcome,
    ReviewTask,
    ScoredCandidate,
    draft_for,
)
from marketbel_core.ports import Catalog, ImportFigures

__all__ = [
    "LATER",
    "a_priced_row",
    "claimed",
    "doubted",
    "drafted",
    "linked",
    "merged",
    "recalculated",
    "recorded",
    "stored_product",
    "stored_supplier",
]

LATER = NOW + timedelta(hours=1)


def a_priced_row(sku: str, price: str, *, in_stock: bool = True) -> AcceptedRow:
    """Return a row of this sku and price."""
    return a_row(sku=sku, price=Money(Decimal(price)), characteristics={"in_stock": in_stock})


async def stored_supplier(catalog: Catalog, **changes: Unpack[SupplierChanges]) -> Supplier:
    """Store a supplier and return it."""
    async with catalog.unit() as unit:
        return await unit.suppliers.add(a_supplier(**changes))


async def stored_product(catalog: Catalog, **changes: Unpack[ProductChanges]) -> Product:
    """Store a product and return it."""
    product = a_product(**changes)
    async with catalog.unit() as unit:
        await unit.products.add([product])
    return product


async def merged(
    catalog: Catalog, supplier_id: SupplierId, *rows: AcceptedRow, at: datetime = NOW
) -> ImportFigures:
    """Bring the supplier's items up to the rows."""
    async with catalog.unit() as unit:
        return await unit.items.merge(supplier_id, rows, at=at)


async def claimed(
    catalog: Catalog, supplier_id: SupplierId | None, *, limit: int = 100
) -> list[SupplierItem]:
    """Claim unmatched items and give them back at once."""
    async with catalog.unit() as unit:
        return await unit.items.claim_unmatched(supplier_id, limit=limit)


async def recorded(catalog: Catalog, *outcomes: MatchOutcome, at: datetime = LATER) -> None:
    """Write the outcomes."""
    async with catalog.unit() as unit:
        await unit.items.record_matches(outcomes, at=at)


async def recalculated(catalog: Catalog, product_ids: Sequence[ProductId]) -> int:
    """Lock the products, recompute their aggregates in BYN and return how many changed."""
    async with catalog.unit() as unit:
        locked = await unit.products.lock(product_ids)
        offers: defaultdict[ProductId, list[Offer]] = defaultdict(list)
        for offer in await unit.items.offers_of(locked):
            offers[offer.product_id].append(offer)
        figures = {key: aggregate(offers[key], rates=ExchangeRates()) for key in locked}
        return await unit.products.record_aggregates(figures, at=LATER)


def linked(item: SupplierItem, product: Product, *, score: float = 97.126) -> Linked:
    """Return the outcome that links the item to the product."""
    return Linked(
        item=item, product_id=product.id, score=score, candidates=(_beside(product, score),)
    )


def doubted(
    item: SupplierItem, *products: Product, score: float = 81.5, at: datetime = LATER
) -> ForReview:
    """Return the outcome that sends the item to review with these candidates."""
    task = ReviewTask(
        item_id=item.id,
        candidates=tuple(_beside(product, score) for product in products),
        created_at=at,
        expires_at=at + timedelta(days=30),
    )
    return ForReview(item=item, score=score, task=task)


def drafted(item: SupplierItem) -> Drafted:
    """Return the outcome that founds a product for the item."""
    return Drafted(item=item, product=draft_for(item, now=LATER))


def _beside(product: Product, score: float) -> ScoredCandidate:
    return ScoredCandidate(product_id=product.id, product_name=product.name, score=score)
