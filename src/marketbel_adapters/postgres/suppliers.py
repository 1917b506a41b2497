"""The suppliers in PostgreSQL; what is optional about them rests in the column `metadata`."""

from typing import Any, Final

from sqlalchemy import Row, func, insert, select
from sqlalchemy.sql.elements import ColumnElement

from marketbel_adapters.catalog_values import stored_supplier, supplier_metadata
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import Supplier
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.ports import Suppliers

__all__ = ["PostgresSuppliers"]

_BLANKS: Final = " \t\r\n\f\v\u00a0"
_NAME_LOCKS: Final = 5_201_314
"""Keeps our advisory locks on names apart from locks that others take on the same hash."""

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


def _folded(name: str) -> ColumnElement[str]:
    return func.lower(name.strip())


def _supplier(row: Row[Any]) -> Supplier:
    return stored_supplier(
        SupplierId(row.id), name=row.name, source_type=row.source_type, metadata=row.metadata
    )
