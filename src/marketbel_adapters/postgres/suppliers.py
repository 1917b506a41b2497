"""The suppliers in PostgreSQL; what is optional about them rests in the column `metadata`."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Row, Uuid, any_, func, insert, literal, select, text
from sqlalchemy.sql.elements import ColumnElement

from marketbel_adapters.catalog_values import amendment, stored_supplier, supplier_metadata
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import Supplier
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.intake.supplier_plan import SupplierUpdate
from marketbel_core.ports import Suppliers

__all__ = ["PostgresSuppliers"]

_BLANKS: Final = " \t\r\n\f\v\u00a0"
_NAME_LOCKS: Final = 5_201_314
"""Keeps our advisory locks on names apart from locks that others take on the same hash."""

_ALL_NAMES: Final = 5_201_316
"""An advisory lock that everybody who adds a name shares, and who reads all of them has alone."""

_ADD_ALL: Final = text("""
    INSERT INTO suppliers (id, name, source_type, metadata, created_at, updated_at)
    SELECT n.id, n.name, n.source_type, n.metadata, now(), now()
      FROM jsonb_to_recordset(CAST(:suppliers AS jsonb))
           AS n (id uuid, name text, source_type text, metadata jsonb)
     WHERE NOT EXISTS (
        SELECT FROM suppliers s WHERE lower(btrim(s.name, :blanks)) = lower(n.name))
     ORDER BY n.id
""")
_AMEND: Final = text("""
    UPDATE suppliers AS s
       SET source_type = c.source_type, metadata = s.metadata || c.metadata,
           updated_at = CAST(:at AS timestamptz)
      FROM jsonb_to_recordset(CAST(:changes AS jsonb))
           AS c (id uuid, source_type text, metadata jsonb)
     WHERE s.id = c.id
""")

_SUPPLIER: Final = (
    tables.Supplier.id,
    tables.Supplier.name,
    tables.Supplier.source_type,
    tables.Supplier.meta,
)


class PostgresSuppliers(Suppliers):
    """The suppliers, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def get(self, supplier_id: SupplierId) -> Supplier:
        query = select(*_SUPPLIER).where(tables.Supplier.id == supplier_id)
        row = (await self._transaction.run(query)).one_or_none()
        if row is None:
            raise SupplierNotFoundError(supplier_id)
        return _supplier(row)

    async def get_all(self, supplier_ids: Collection[SupplierId]) -> dict[SupplierId, Supplier]:
        wanted = literal(list(supplier_ids), ARRAY(Uuid))
        query = select(*_SUPPLIER).where(tables.Supplier.id == any_(wanted))
        found = [_supplier(row) for row in await self._transaction.run(query)]
        return {supplier.id: supplier for supplier in found}

    async def find(self, name: str) -> Supplier | None:
        query = (
            select(*_SUPPLIER)
            .where(func.lower(func.btrim(tables.Supplier.name, _BLANKS)) == _folded(name))
            .order_by(tables.Supplier.created_at, tables.Supplier.id)
            .limit(1)
        )
        row = (await self._transaction.run(query)).one_or_none()
        return None if row is None else _supplier(row)

    async def add(self, supplier: Supplier) -> Supplier:
        metadata = supplier_metadata(supplier)
        # The table has no unique key on names. Two units that add the same name at once would
        # both find nothing; the second now waits here until the first has committed.
        await self._transaction.run(select(func.pg_advisory_xact_lock_shared(_ALL_NAMES)))
        lock = func.pg_advisory_xact_lock(
            func.hashtextextended(_folded(supplier.name), _NAME_LOCKS)
        )
        await self._transaction.run(select(lock))
        known = await self.find(supplier.name)
        if known is not None:
            return known
        row = {
            "id": supplier.id,
            "name": supplier.name.strip(),
            "source_type": supplier.source_type.value,
            "meta": metadata,
        }
        written = await self._transaction.run(
            insert(tables.Supplier).values(row).returning(*_SUPPLIER)
        )
        return _supplier(written.one())

    async def all(self) -> list[Supplier]:
        await self._transaction.run(select(func.pg_advisory_xact_lock(_ALL_NAMES)))
        # In the order of ids, as everybody locks; keys may still be referred to.
        locked = select(tables.Supplier.id).order_by(tables.Supplier.id)
        await self._transaction.run(locked.with_for_update(key_share=True))
        query = select(*_SUPPLIER).order_by(tables.Supplier.created_at, tables.Supplier.id)
        return [_supplier(row) for row in await self._transaction.run(query)]

    async def amend(
        self, *, new: Sequence[Supplier] = (), changed: Sequence[SupplierUpdate] = (), at: datetime
    ) -> None:
        if new:
            added = [
                {
                    "id": str(supplier.id),
                    "name": supplier.name.strip(),
                    "source_type": supplier.source_type.value,
                    "metadata": supplier_metadata(supplier),
                }
                for supplier in new
            ]
            values = {"suppliers": json.dumps(added), "blanks": _BLANKS}
            await self._transaction.run(_ADD_ALL, values)
        if changed:
            changes = [
                {
                    "id": str(update.supplier_id),
                    "source_type": update.source_type.value,
                    "metadata": amendment(update),
                }
                for update in changed
            ]
            await self._transaction.run(_AMEND, {"changes": json.dumps(changes), "at": at})


def _folded(name: str) -> ColumnElement[str]:
    return func.lower(name.strip())


def _supplier(row: Row[Any]) -> Supplier:
    return stored_supplier(
        SupplierId(row.id), name=row.name, source_type=row.source_type, metadata=row.metadata
    )
