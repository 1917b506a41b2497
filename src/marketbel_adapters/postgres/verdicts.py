"""Verdicts, and what neighbours did to links, in PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text

from marketbel_adapters.postgres.review_rows import reviews_of
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.matching import ItemReview, PairVerdict, Verdict
from marketbel_core.ports import Links, NamedVerdict, Verdicts

__all__ = ["PostgresLinks", "PostgresVerdicts"]

_OF: Final = text("""
    SELECT supplier_item_id, product_id, verdict, score, decided_by, decided_at
      FROM marketbel.verdicts WHERE supplier_item_id = ANY(:item_ids)
     ORDER BY supplier_item_id, product_id
""")
_PAGE: Final = text("""
    SELECT v.supplier_item_id, v.product_id, v.verdict, v.score, v.decided_by, v.decided_at,
           s.name AS supplier_name, i.supplier_sku, i.name AS item_name, p.internal_sku,
           p.name AS product_name
      FROM marketbel.verdicts v
      JOIN supplier_items i ON i.id = v.supplier_item_id
      JOIN suppliers s ON s.id = i.supplier_id
      JOIN products p ON p.id = v.product_id
     WHERE CAST(:item_id AS uuid) IS NULL
        OR (v.supplier_item_id, v.product_id)
           > (CAST(:item_id AS uuid), CAST(:product_id AS uuid))
     ORDER BY v.supplier_item_id, v.product_id LIMIT :limit
""")
# Of suppliers that share a name, case aside, the oldest is meant, as everywhere.
_PUT: Final = text("""
    WITH o AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:verdicts AS jsonb))
            AS o (number integer, item_id uuid, supplier text, sku text, product_id uuid,
                  product_sku text, verdict text, score numeric, by text, at timestamptz)
    ), known AS MATERIALIZED (
        SELECT o.*, coalesce(i.id, (
                   SELECT n.id FROM supplier_items n JOIN suppliers s ON s.id = n.supplier_id
                    WHERE lower(btrim(s.name)) = lower(btrim(o.supplier))
                      AND n.supplier_sku = o.sku
                    ORDER BY s.created_at, s.id LIMIT 1
               )) AS found_item,
               coalesce(p.id, (
                   SELECT n.id FROM products n WHERE n.internal_sku = o.product_sku
               )) AS found_product
          FROM o
          LEFT JOIN supplier_items i ON i.id = o.item_id
          LEFT JOIN products p ON p.id = o.product_id
    ), written AS (
        INSERT INTO marketbel.verdicts AS v
               (supplier_item_id, product_id, verdict, score, decided_by, decided_at)
        SELECT DISTINCT ON (found_item, found_product)
               found_item, found_product, verdict, score, by, at
          FROM known WHERE found_item IS NOT NULL AND found_product IS NOT NULL
         ORDER BY found_item, found_product, at DESC, number DESC
        ON CONFLICT (supplier_item_id, product_id) DO UPDATE
           SET verdict = excluded.verdict, score = excluded.score,
               decided_by = excluded.decided_by, decided_at = excluded.decided_at
         WHERE v.decided_at < excluded.decided_at
    )
    SELECT found_item IS NOT NULL AND found_product IS NOT NULL AS is_known
      FROM known ORDER BY number
""")
_DRIFTED: Final = text("""
    SELECT i.id FROM supplier_items i
      LEFT JOIN marketbel.known_links k ON k.supplier_item_id = i.id
     WHERE (CAST(:supplier_id AS uuid) IS NULL OR i.supplier_id = CAST(:supplier_id AS uuid))
       AND (i.product_id IS DISTINCT FROM k.product_id
            OR (i.match_status IN ('auto_matched', 'verified_match'))
               <> (i.product_id IS NOT NULL))
     ORDER BY i.id LIMIT :limit
       FOR UPDATE OF i SKIP LOCKED
""")
_FORGET: Final = text("""
    DELETE FROM marketbel.known_links k USING supplier_items i
     WHERE k.supplier_item_id = ANY(:item_ids) AND i.id = k.supplier_item_id
       AND i.product_id IS NULL
""")
_ADOPT: Final = text("""
    INSERT INTO marketbel.known_links (supplier_item_id, product_id)
    SELECT id, product_id FROM supplier_items
     WHERE id = ANY(:item_ids) AND product_id IS NOT NULL
    ON CONFLICT (supplier_item_id) DO UPDATE SET product_id = excluded.product_id
""")
_GONE: Final = text("""
    DELETE FROM marketbel.known_links
     WHERE supplier_item_id IN (
         SELECT k.supplier_item_id FROM marketbel.known_links k
          WHERE NOT EXISTS (SELECT FROM supplier_items i WHERE i.id = k.supplier_item_id)
          ORDER BY k.supplier_item_id LIMIT :limit
            FOR UPDATE SKIP LOCKED
     )
    RETURNING product_id
""")
_SWITCHED: Final = text("""
    WITH switched AS (
        INSERT INTO marketbel.supplier_activity AS a (supplier_id, is_active)
        SELECT id, lower(coalesce(metadata ->> 'is_active', 'true')) <> 'false' FROM suppliers
        ON CONFLICT (supplier_id) DO UPDATE SET is_active = excluded.is_active
         WHERE a.is_active <> excluded.is_active
        RETURNING supplier_id, xmax = 0 AND is_active AS is_as_assumed
    )
    SELECT DISTINCT i.product_id
      FROM supplier_items i JOIN switched s ON s.supplier_id = i.supplier_id
     WHERE i.product_id IS NOT NULL AND NOT s.is_as_assumed
""")
_STILL_THERE: Final = text("SELECT id FROM products WHERE id = ANY(:ids) ORDER BY id")


class PostgresVerdicts(Verdicts):
    """What people said of pairs, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def of(
        self, item_ids: Sequence[SupplierItemId]
    ) -> dict[SupplierItemId, tuple[PairVerdict, ...]]:
        found: dict[SupplierItemId, tuple[PairVerdict, ...]] = {}
        for row in await self._transaction.run(_OF, {"item_ids": list(item_ids)}):
            item_id = SupplierItemId(row.supplier_item_id)
            found[item_id] = (*found.get(item_id, ()), _verdict(row))
        return found

    async def page(
        self, *, after: tuple[SupplierItemId, ProductId] | None, limit: int
    ) -> list[NamedVerdict]:
        item_id, product_id = after or (None, None)
        values = {"item_id": item_id, "product_id": product_id, "limit": limit}
        return [
            NamedVerdict(
                item_id=SupplierItemId(row.supplier_item_id),
                supplier_name=row.supplier_name,
                sku=row.supplier_sku,
                item_name=row.item_name,
                product_sku=row.internal_sku,
                product_name=row.product_name,
                verdict=_verdict(row),
            )
            for row in await self._transaction.run(_PAGE, values)
        ]

    async def put(self, verdicts: Sequence[NamedVerdict]) -> list[bool]:
        told = [
            {
                "number": number,
                "item_id": str(named.item_id),
                "supplier": named.supplier_name,
                "sku": named.sku,
                "product_id": str(named.verdict.product_id),
                "product_sku": named.product_sku,
                "verdict": named.verdict.verdict.value,
                "score": named.verdict.score,
                "by": named.verdict.by,
                "at": named.verdict.at.isoformat(),
            }
            for number, named in enumerate(verdicts)
        ]
        rows = await self._transaction.run(_PUT, {"verdicts": json.dumps(told)})
        return [bool(row.is_known) for row in rows]


class PostgresLinks(Links):
    """What neighbours did past us, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def drifted(self, supplier_id: SupplierId | None, *, limit: int) -> list[ItemReview]:
        values = {"supplier_id": supplier_id, "limit": limit}
        locked = await self._transaction.run(_DRIFTED, values)
        return await reviews_of(self._transaction, [row.id for row in locked])

    async def adopt(self, item_ids: Sequence[SupplierItemId]) -> None:
        values = {"item_ids": list(item_ids)}
        await self._transaction.run(_FORGET, values)
        await self._transaction.run(_ADOPT, values)

    async def repriced(self, *, limit: int) -> list[ProductId]:
        gone = {row.product_id for row in await self._transaction.run(_GONE, {"limit": limit})}
        if len(gone) < limit:
            gone |= {row.product_id for row in await self._transaction.run(_SWITCHED)}
        rows = await self._transaction.run(_STILL_THERE, {"ids": list(gone)})
        return [ProductId(row.id) for row in rows]


def _verdict(row: Row[Any]) -> PairVerdict:
    return PairVerdict(
        product_id=ProductId(row.product_id),
        verdict=Verdict(row.verdict),
        by=row.decided_by,
        at=row.decided_at,
        score=None if row.score is None else float(row.score),
    )
