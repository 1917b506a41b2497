"""The products in PostgreSQL."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Row, Uuid, any_, literal, select, text

from marketbel_adapters.postgres.tables import Draft, SupplierItem
from marketbel_adapters.postgres.tables import Product as ProductTable
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import Product, ProductAggregates, ProductStatus
from marketbel_core.ids import CategoryId, ProductId, SupplierId
from marketbel_core.ports import Founded, ProductChanges, Products

__all__ = ["PostgresProducts"]

_ADD: Final = text("""
    INSERT INTO products (id, internal_sku, name, category_id, status, created_at, updated_at)
    SELECT id, internal_sku, name, category_id, status, created_at, created_at
      FROM jsonb_to_recordset(CAST(:products AS jsonb))
           AS n (id uuid, internal_sku text, name text, category_id uuid, status product_status,
                 created_at timestamptz)
    ON CONFLICT (id) DO NOTHING
""")
_RECORD_AGGREGATES: Final = text("""
    UPDATE products p
       SET min_price = n.min_price, availability = n.availability,
           updated_at = CAST(:at AS timestamptz)
      FROM jsonb_to_recordset(CAST(:figures AS jsonb))
           AS n (product_id uuid, min_price numeric, availability boolean)
     WHERE p.id = n.product_id
       AND (p.min_price, p.availability) IS DISTINCT FROM (n.min_price, n.availability)
    RETURNING p.id
""")

_MATCHABLE: Final = frozenset({ProductStatus.ACTIVE.value, ProductStatus.DRAFT.value})
_IS_MATCHABLE: Final = ProductTable.status.in_(sorted(_MATCHABLE))
_WITH_FOUNDER: Final = (
    select(
        ProductTable.id,
        ProductTable.internal_sku,
        ProductTable.name,
        ProductTable.status,
        ProductTable.created_at,
        ProductTable.category_id,
        SupplierItem.supplier_id,
    )
    .outerjoin(Draft, Draft.product_id == ProductTable.id)
    .outerjoin(SupplierItem, SupplierItem.id == Draft.supplier_item_id)
    .order_by(ProductTable.created_at, ProductTable.id)
)
# `updated_at` is kept by none but ourselves, and says when a transaction began, not when it was
# committed. The number of the transaction that wrote a row's version is kept by the server, and
# every number below a snapshot's `xmin` was settled when the snapshot was taken.
_STANDING: Final = text("""
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS mark,
           (SELECT count(*) FROM products WHERE status IN ('active', 'draft')) AS total
""")
_FOUND_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtext('marketbel.drafts'))")
_FOUNDED: Final = text("SELECT coalesce(max(position), 0) FROM marketbel.drafts")
_CHANGED_SINCE: Final = "age(products.xmin) <= age(CAST(CAST(:since AS text) AS xid))"
_AGES: Final = 2**32
"""Row versions carry the last 32 bits of a transaction's number."""

_AGES_MAX: Final = 10**9
"""Half of the 32 bits tell before from after; a mark that is older is not understood."""


class PostgresProducts(Products):
    """The products, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, products: Iterable[Product]) -> None:
        rows = [_as_json(product) for product in products]
        await self._transaction.run(_ADD, {"products": json.dumps(rows)})

    async def matchable(self) -> list[Product]:
        query = _WITH_FOUNDER.where(_IS_MATCHABLE)
        return [_product(row) for row in await self._transaction.run(query)]

    async def changes(self, since: str | None) -> ProductChanges:
        standing = (await self._transaction.run(_STANDING)).one()
        query = _WITH_FOUNDER
        if (
            since is None
            or not since.isdecimal()
            or not 0 <= standing.mark - int(since) < _AGES_MAX
        ):
            query = query.where(_IS_MATCHABLE)
        else:
            query = query.where(text(_CHANGED_SINCE).bindparams(since=str(int(since) % _AGES)))
        rows = (await self._transaction.run(query)).all()
        matchable = [row for row in rows if row.status in _MATCHABLE]
        return ProductChanges(
            products=[_product(row) for row in matchable],
            gone=[ProductId(row.id) for row in rows if row.status not in _MATCHABLE],
            total=standing.total,
            mark=str(standing.mark),
        )

    async def matchable_ids(self) -> frozenset[ProductId]:
        rows = await self._transaction.run(select(ProductTable.id).where(_IS_MATCHABLE))
        return frozenset(ProductId(row.id) for row in rows)

    async def founded(self) -> int:
        return int((await self._transaction.run(_FOUNDED)).scalar_one())

    async def found_alone(self, *, since: int) -> Founded:
        # Under the lock positions are given and committed one after the other: whoever has seen
        # one has seen all before it. The statements after it see what its last holder left.
        await self._transaction.run(_FOUND_ALONE)
        query = _WITH_FOUNDER.where(_IS_MATCHABLE, Draft.position > since)
        rows = await self._transaction.run(query)
        return Founded(products=[_product(row) for row in rows], position=await self.founded())

    async def lock(self, product_ids: Sequence[ProductId]) -> list[ProductId]:
        # NO KEY: a unit that links items to these products only shares their keys; it neither
        # waits for us nor we for it, so that the two cannot wait for each other in a circle.
        query = (
            select(ProductTable.id)
            .where(ProductTable.id == any_(literal(list(product_ids), ARRAY(Uuid))))
            .order_by(ProductTable.id)
            .with_for_update(key_share=True)
        )
        return [ProductId(row.id) for row in await self._transaction.run(query)]

    async def record_aggregates(
        self, aggregates: Mapping[ProductId, ProductAggregates], *, at: datetime
    ) -> int:
        figures = [
            {
                "product_id": str(product_id),
                "min_price": None if kept.min_price is None else str(kept.min_price),
                "availability": kept.availability,
            }
            for product_id, kept in aggregates.items()
        ]
        written = await self._transaction.run(
            _RECORD_AGGREGATES, {"figures": json.dumps(figures), "at": at}
        )
        return len(written.all())


def _as_json(product: Product) -> dict[str, object]:
    return {
        "id": str(product.id),
        "internal_sku": product.internal_sku,
        "name": product.name,
        "category_id": product.category_id and str(product.category_id),
        "status": product.status.value,
        "created_at": product.created_at.isoformat(),
    }


def _product(row: Row[Any]) -> Product:
    return Product(
        id=ProductId(row.id),
        internal_sku=row.internal_sku,
        name=row.name,
        status=ProductStatus(row.status),
        created_at=row.created_at,
        category_id=None if row.category_id is None else CategoryId(row.category_id),
        drafted_for=None if row.supplier_id is None else SupplierId(row.supplier_id),
    )
