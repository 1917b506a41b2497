"""An import: rows go into a temporary table by COPY and are merged from there, as sets."""

from asyncio import to_thread
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, text

from marketbel_adapters.catalog_values import storable_rows
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.ports import ImportFigures

__all__ = ["merge"]

_IMPORT_LOCKS: Final = 5_201_315
"""Keeps our advisory locks on imports apart from locks that others take on the same hash."""

_COLUMNS: Final = (
    "supplier_sku",
    "name",
    "current_price",
    "characteristics",
    "price_opt",
    "price_rrc",
)
_CREATE: Final = text("""
    CREATE TEMPORARY TABLE marketbel_rows (
        supplier_sku text NOT NULL,
        name text NOT NULL,
        current_price numeric(10,2) NOT NULL,
        characteristics jsonb NOT NULL,
        price_opt numeric(12,2),
        price_rrc numeric(12,2)
    ) ON COMMIT DROP
""")
_ANALYZE: Final = text("ANALYZE marketbel_rows (supplier_sku)")
_DROP: Final = text("DROP TABLE marketbel_rows")  # a unit may merge more than once
_INSERT: Final = text("""
    WITH inserted AS (
        INSERT INTO supplier_items (supplier_id, supplier_sku, name, current_price,
               characteristics, price_opt, price_rrc, last_ingested_at, created_at, updated_at)
        SELECT CAST(:supplier_id AS uuid), n.supplier_sku, n.name, n.current_price,
               n.characteristics, n.price_opt, n.price_rrc,
               CAST(:at AS timestamptz), CAST(:at AS timestamptz), CAST(:at AS timestamptz)
          FROM marketbel_rows n
        ON CONFLICT (supplier_id, supplier_sku) DO NOTHING
        RETURNING id, current_price
    ), recorded AS (
        INSERT INTO price_history (supplier_item_id, price, recorded_at)
        SELECT id, current_price, CAST(:at AS timestamptz) FROM inserted
    )
    SELECT count(*) FROM inserted
""")
# What is the same stays unwritten. The rows are locked before they are compared with what they
# were, in one order, so that a price changed by a neighbour in between is neither lost nor
# recorded twice.
_UPDATE: Final = text("""
    WITH changed AS (
        SELECT i.id, i.current_price AS price_before,
               i.characteristics -> '_currency' AS currency_before, n.*
          FROM marketbel_rows n
          JOIN supplier_items i
            ON i.supplier_id = CAST(:supplier_id AS uuid) AND i.supplier_sku = n.supplier_sku
         WHERE (i.name, i.current_price, i.characteristics, i.price_opt, i.price_rrc)
               IS DISTINCT FROM
               (n.name, n.current_price, n.characteristics, n.price_opt, n.price_rrc)
         ORDER BY i.id
           FOR NO KEY UPDATE OF i
    ), updated AS (
        UPDATE supplier_items i
           SET name = c.name, current_price = c.current_price,
               characteristics = c.characteristics, price_opt = c.price_opt,
               price_rrc = c.price_rrc, last_ingested_at = CAST(:at AS timestamptz),
               updated_at = CAST(:at AS timestamptz)
          FROM changed c
         WHERE i.id = c.id
    ), recorded AS (
        INSERT INTO price_history (supplier_item_id, price, recorded_at)
        SELECT c.id, c.current_price, CAST(:at AS timestamptz)
          FROM changed c
         WHERE (c.price_before, c.currency_before)
               IS DISTINCT FROM (c.current_price, c.characteristics -> '_currency')
        RETURNING id
    )
    SELECT (SELECT count(*) FROM changed) AS updated, (SELECT count(*) FROM recorded) AS repriced
""")


async def merge(
    transaction: Transaction,
    supplier_id: SupplierId,
    rows: Sequence[AcceptedRow],
    *,
    at: datetime,
) -> ImportFigures:
    """Bring the supplier's items up to `rows`, as `SupplierItems.merge` promises."""
    kept = await to_thread(storable_rows, rows)  # a large list would hold up the whole worker
    await _hold(transaction, supplier_id)
    await transaction.run(_CREATE)
    await transaction.copy(
        (
            (
                row.sku,
                row.name,
                row.price.amount,
                row.characteristics,
                row.price_opt,
                row.price_rrc,
            )
            for row in kept
        ),
        into="marketbel_rows",
        columns=_COLUMNS,
    )
    await transaction.run(_ANALYZE)
    values = {"supplier_id": supplier_id, "at": at}
    inserted = await transaction.run(_INSERT, values, supplier_id=supplier_id)
    inserted_count = int(inserted.scalar_one())
    counts = (await transaction.run(_UPDATE, values)).mappings().one()
    updated_count = int(counts["updated"])
    await transaction.run(_DROP)
    return ImportFigures(
        inserted=inserted_count,
        updated=updated_count,
        unchanged=len(kept) - inserted_count - updated_count,
        merged=len(rows) - len(kept),
        repriced=int(counts["repriced"]),
    )


async def _hold(transaction: Transaction, supplier_id: SupplierId) -> None:
    """Keep the supplier from being deleted, and its other imports waiting, until the unit ends."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(str(supplier_id), _IMPORT_LOCKS))
    await transaction.run(select(lock))
    query = (
        select(tables.Supplier.id)
        .where(tables.Supplier.id == supplier_id)
        .with_for_update(read=True, key_share=True)
    )
    if (await transaction.run(query)).one_or_none() is None:
        raise SupplierNotFoundError(supplier_id)
