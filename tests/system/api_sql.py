"""What the admin API reads and writes in PostgreSQL, statement by statement as it was recorded.

It changes the tables behind the worker's back: no message, no recalculation, no match status.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

__all__ = [
    "create_product",
    "create_supplier",
    "delete_supplier",
    "link",
    "recent_logs",
    "supplier_statuses",
    "unlink",
    "unmatched_items",
]

_CREATE_SUPPLIER: Final = text("""
    INSERT INTO suppliers (name, source_type, contact_email, metadata)
    VALUES (:name, 'csv', NULL,
            '{"source_url": null, "is_active": true, "notes": null, "use_ml_processing": true}')
    RETURNING id
""")
_PRODUCT: Final = text("SELECT status FROM products WHERE id = :product_id FOR UPDATE")
_ITEM: Final = text("SELECT product_id FROM supplier_items WHERE id = :item_id FOR UPDATE")
_LINK: Final = text("""
    UPDATE supplier_items SET product_id = :product_id, updated_at = now() WHERE id = :item_id
""")
_UNLINK: Final = text("""
    UPDATE supplier_items SET product_id = NULL, updated_at = now() WHERE id = :item_id
""")
_CREATE_PRODUCT: Final = text("""
    INSERT INTO products (internal_sku, name, status) VALUES (:sku, :name, 'active') RETURNING id
""")
_DELETE_SUPPLIER: Final = text("DELETE FROM suppliers WHERE id = :supplier_id")
_DELETE_PRODUCTS_WITHOUT_ITEMS: Final = text("""
    DELETE FROM products p
    WHERE NOT EXISTS (SELECT FROM supplier_items i WHERE i.product_id = p.id)
""")
_UNMATCHED: Final = text("""
    SELECT id FROM supplier_items WHERE product_id IS NULL ORDER BY last_ingested_at
""")
_STATUSES: Final = text("""
    WITH latest AS (
        SELECT DISTINCT ON (supplier_id) supplier_id, task_id FROM parsing_logs
        WHERE supplier_id IS NOT NULL ORDER BY supplier_id, created_at DESC
    )
    SELECT s.name, CASE
        WHEN EXISTS (
            SELECT FROM latest JOIN parsing_logs l USING (supplier_id, task_id)
            WHERE latest.supplier_id = s.id
                AND l.error_type IN ('ERROR', 'FATAL', 'PARSE_ERROR', 'VALIDATION_ERROR')
        ) THEN 'error'
        WHEN s.metadata ->> 'is_active' = 'false' THEN 'inactive'
        WHEN EXISTS (SELECT FROM supplier_items i WHERE i.supplier_id = s.id) THEN 'success'
        ELSE 'pending' END AS status
    FROM suppliers s
""")
_RECENT_LOGS: Final = text("""
    SELECT l.id, l.task_id, l.supplier_id, s.name AS supplier_name, l.error_type,
        l.error_message, l.row_number, l.created_at
    FROM parsing_logs l LEFT JOIN suppliers s ON s.id = l.supplier_id
    ORDER BY l.created_at DESC LIMIT :limit
""")


async def create_supplier(engine: AsyncEngine, name: str) -> UUID:
    """Create a supplier as the interface does; return its id."""
    async with engine.begin() as connection:
        return await _id(connection, _CREATE_SUPPLIER, {"name": name})


async def link(engine: AsyncEngine, product_id: UUID, item_id: UUID) -> HTTPStatus:
    """Link the item to the product by hand; return what the interface answers."""
    async with engine.begin() as connection:
        product = (await connection.execute(_PRODUCT, {"product_id": product_id})).one_or_none()
        item = (await connection.execute(_ITEM, {"item_id": item_id})).one_or_none()
        if product is None or item is None:
            return HTTPStatus.NOT_FOUND
        if product.status == "archived":
            return HTTPStatus.BAD_REQUEST
        if item.product_id not in {None, product_id}:
            return HTTPStatus.CONFLICT
        await connection.execute(_LINK, {"product_id": product_id, "item_id": item_id})
    return HTTPStatus.OK


async def unlink(engine: AsyncEngine, item_id: UUID) -> None:
    """Take the item from its product by hand."""
    async with engine.begin() as connection:
        await connection.execute(_UNLINK, {"item_id": item_id})


async def create_product(
    engine: AsyncEngine, name: str, *, sku: str, item_id: UUID | None = None
) -> UUID:
    """Create a product, for an item if one is named; return its id."""
    async with engine.begin() as connection:
        product_id = await _id(connection, _CREATE_PRODUCT, {"name": name, "sku": sku})
        if item_id is not None:
            await connection.execute(_LINK, {"product_id": product_id, "item_id": item_id})
    return product_id


async def delete_supplier(engine: AsyncEngine, supplier_id: UUID) -> None:
    """Delete the supplier with its items, then every product that has no item."""
    async with engine.begin() as connection:
        await connection.execute(_DELETE_SUPPLIER, {"supplier_id": supplier_id})
        await connection.execute(_DELETE_PRODUCTS_WITHOUT_ITEMS)


async def unmatched_items(engine: AsyncEngine) -> list[UUID]:
    """Return the items that the interface lists as unmatched."""
    async with engine.connect() as connection:
        return [row.id for row in await connection.execute(_UNMATCHED)]


async def supplier_statuses(engine: AsyncEngine) -> dict[str, str]:
    """Return by name what the interface shows of each supplier."""
    async with engine.connect() as connection:
        return {row.name: row.status for row in await connection.execute(_STATUSES)}


async def recent_logs(engine: AsyncEngine, *, limit: int = 50) -> list[Mapping[str, object]]:
    """Return the newest lines of the log, as the interface joins them."""
    async with engine.connect() as connection:
        found = await connection.execute(_RECENT_LOGS, {"limit": limit})
        return [dict(row) for row in found.mappings()]


async def _id(
    connection: AsyncConnection, statement: TextClause, values: Mapping[str, object]
) -> UUID:
    return UUID(str((await connection.execute(statement, values)).scalar_one()))
