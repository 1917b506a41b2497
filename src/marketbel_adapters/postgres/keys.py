"""By what else than their names items are found again, and the categories, in PostgreSQL."""

import json
from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, func, literal, select, text

from marketbel_adapters.catalog_values import currency_of
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import CURRENCY_KEY, Category, Money
from marketbel_core.ids import CategoryId, ProductId, SupplierItemId
from marketbel_core.matching import Columns, ItemKeys, SharedKeys
from marketbel_core.matching.columns import (
    BARCODE_KEY,
    BRAND_KEY,
    VENDOR_CODE_KEY,
    text_in_column,
)
from marketbel_core.ports import Categories, Keys

__all__ = ["PostgresCategories", "PostgresKeys"]

_RECORD: Final = text("""
    INSERT INTO marketbel.item_keys AS k
           (supplier_item_id, supplier_id, name_digest, vendor_code, gtin)
    SELECT o.item_id, o.supplier_id, o.name_digest, o.vendor_code, o.gtin
      FROM jsonb_to_recordset(CAST(:keys AS jsonb))
               AS o (item_id uuid, supplier_id uuid, name_digest uuid, vendor_code text,
                     gtin text)
      JOIN supplier_items i ON i.id = o.item_id
    ON CONFLICT (supplier_item_id) DO UPDATE
       SET supplier_id = excluded.supplier_id, name_digest = excluded.name_digest,
           vendor_code = excluded.vendor_code, gtin = excluded.gtin
     WHERE (k.supplier_id, k.name_digest, k.vendor_code, k.gtin)
           IS DISTINCT FROM (excluded.supplier_id, excluded.name_digest, excluded.vendor_code,
                             excluded.gtin)
""")
_SHARED: Final = text("""
    WITH o AS MATERIALIZED (
        SELECT *
          FROM jsonb_to_recordset(CAST(:keys AS jsonb))
               AS o (item_id uuid, supplier_id uuid, name_digest uuid, vendor_code text,
                     gtin text)
    )
    SELECT o.item_id, true AS by_code, i.product_id
      FROM o
      JOIN marketbel.item_keys k
        ON k.gtin = o.gtin
       AND k.supplier_item_id <> o.item_id
      JOIN supplier_items i ON i.id = k.supplier_item_id AND i.product_id IS NOT NULL
    UNION
    SELECT o.item_id, true, i.product_id
      FROM o
      JOIN marketbel.item_keys k
        ON k.vendor_code = o.vendor_code
       AND k.supplier_item_id <> o.item_id
      JOIN supplier_items i ON i.id = k.supplier_item_id AND i.product_id IS NOT NULL
    UNION
    SELECT o.item_id, false, i.product_id
      FROM o
      JOIN marketbel.item_keys k
        ON k.supplier_id = o.supplier_id AND k.name_digest = o.name_digest
       AND k.supplier_item_id <> o.item_id
      JOIN supplier_items i ON i.id = k.supplier_item_id AND i.product_id IS NOT NULL
""")
_CATEGORIES: Final = text("SELECT id, name, parent_id FROM categories WHERE is_active ORDER BY id")

_SHARING_MAX: Final = 20
"""A code that more products share tells none of them: some will do."""

_Item: Final = tables.SupplierItem


class PostgresCategories(Categories):
    """The categories, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def all(self) -> list[Category]:
        return [
            Category(
                id=CategoryId(row.id),
                name=row.name,
                parent_id=None if row.parent_id is None else CategoryId(row.parent_id),
            )
            for row in await self._transaction.run(_CATEGORIES)
        ]


class PostgresKeys(Keys):
    """The keys of items, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def record(self, keys: Sequence[ItemKeys]) -> None:
        await self._transaction.run(_RECORD, {"keys": _as_json(keys)})

    async def shared(self, keys: Sequence[ItemKeys]) -> dict[SupplierItemId, SharedKeys]:
        by_code: defaultdict[SupplierItemId, list[ProductId]] = defaultdict(list)
        by_name: defaultdict[SupplierItemId, list[ProductId]] = defaultdict(list)
        for row in await self._transaction.run(_SHARED, {"keys": _as_json(keys)}):
            found = by_code if row.by_code else by_name
            found[SupplierItemId(row.item_id)].append(ProductId(row.product_id))
        return {
            item_id: SharedKeys(
                by_code=frozenset(sorted(by_code[item_id])[:_SHARING_MAX]),
                by_name=frozenset(by_name[item_id]),
            )
            for item_id in {*by_code, *by_name}
        }

    async def offers(
        self, product_ids: Sequence[ProductId]
    ) -> dict[ProductId, tuple[Columns, ...]]:
        if not product_ids:
            return {}
        said = _Item.characteristics
        columns = (
            _Item.product_id,
            said[BRAND_KEY].label("brand"),
            said[VENDOR_CODE_KEY].label("vendor_code"),
            said[BARCODE_KEY].label("barcode"),
            said[CURRENCY_KEY].label("currency"),
        )
        query = (
            select(*columns, func.min(_Item.current_price).label("lowest"))
            .where(_Item.product_id == any_(literal(list(product_ids), ARRAY(Uuid))))
            .group_by(*columns)
            .order_by(_Item.product_id, func.min(_Item.created_at))
        )
        found: defaultdict[ProductId, list[Columns]] = defaultdict(list)
        for row in await self._transaction.run(query):
            found[ProductId(row.product_id)].append(_columns(row))
        return {product_id: tuple(told) for product_id, told in found.items()}


def _columns(row: Row[Any]) -> Columns:
    return Columns(
        brand=text_in_column(row.brand),
        vendor_code=text_in_column(row.vendor_code),
        barcode=text_in_column(row.barcode),
        price=Money(row.lowest, currency_of({CURRENCY_KEY: row.currency})),
    )


def _as_json(keys: Sequence[ItemKeys]) -> str:
    return json.dumps(
        [
            {
                "item_id": str(one.item_id),
                "supplier_id": str(one.supplier_id),
                "name_digest": str(_digest(one.name)),
                "vendor_code": one.vendor_code or None,
                "gtin": one.gtin or None,
            }
            for one in keys
        ]
    )


def _digest(name: str) -> UUID:
    """Return 16 bytes that stand for a name of any length."""
    return UUID(bytes=blake2b(name.encode(errors="surrogatepass"), digest_size=16).digest())
