"""Facts that are added to items, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text

from marketbel_adapters.catalog_values import strict_json
from marketbel_adapters.postgres.review_rows import reviews_of
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import SupplierItem
from marketbel_core.ids import SupplierId, SupplierItemId
from marketbel_core.ports import Enrichments

__all__ = ["PostgresEnrichments"]

_LOCK: Final = text("""
    SELECT id FROM supplier_items WHERE id = ANY(:item_ids) ORDER BY id FOR NO KEY UPDATE
""")
_RECORD: Final = text("""
    UPDATE supplier_items i
       SET characteristics = i.characteristics || o.facts, updated_at = CAST(:at AS timestamptz)
      FROM jsonb_to_recordset(CAST(:facts AS jsonb)) AS o (item_id uuid, facts jsonb)
     WHERE i.id = o.item_id
""")


# Which ones are sought without a lock, and looked at again under it.
_LACKING: Final = text("""
    SELECT id FROM supplier_items
     WHERE id IN (
         SELECT id FROM supplier_items
          WHERE supplier_id = CAST(:supplier_id AS uuid)
            AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
            AND NOT jsonb_exists(characteristics, '_enriched')
          ORDER BY id LIMIT :limit
     )
     ORDER BY id FOR NO KEY UPDATE
""")


class PostgresEnrichments(Enrichments):
    """Items and what is added to them, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def open(self, item_ids: Sequence[SupplierItemId]) -> list[SupplierItem]:
        locked = await self._transaction.run(_LOCK, {"item_ids": list(item_ids)})
        reviews = await reviews_of(self._transaction, [row.id for row in locked])
        return [review.item for review in reviews]

    async def lacking(
        self,
        supplier_id: SupplierId,
        *,
        after: SupplierItemId | None,
        limit: int,
    ) -> list[SupplierItem]:
        values = {"supplier_id": supplier_id, "after": after, "limit": limit}
        locked = await self._transaction.run(_LACKING, values)
        reviews = await reviews_of(self._transaction, [row.id for row in locked])
        return [review.item for review in reviews]

    async def record(
        self, facts: Mapping[SupplierItemId, Mapping[str, object]], *, at: datetime
    ) -> None:
        if not facts:
            return
        told = [{"item_id": str(key), "facts": dict(added)} for key, added in facts.items()]
        await self._transaction.run(_RECORD, {"facts": strict_json(told, of="facts"), "at": at})
