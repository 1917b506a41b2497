"""The suppliers' items in PostgreSQL: claimed, counted and read. Merged and matched elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ARRAY, Row, Uuid, and_, any_, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from marketbel_adapters.catalog_values import currency_of, supplier_is_active
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.item_matches import record_matches
from marketbel_adapters.postgres.item_merge import merge
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.catalog import (
    CURRENCY_KEY,
    STOCK_KEY,
    MatchStatus,
    Money,
    Offer,
    SupplierItem,
    alike_as_one,
    is_in_stock,
)
from marketbel_core.ids import CategoryId, ProductId, SupplierId, SupplierItemId
from marketbel_core.intake.rows import AcceptedRow
from marketbel_core.matching import MatchOutcome
from marketbel_core.ports import ImportFigures, SupplierItems

__all__ = ["PostgresSupplierItems"]

_Item: Final = tables.SupplierItem


class PostgresSupplierItems(SupplierItems):
    """The items, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def merge(
        self, supplier_id: SupplierId, rows: Sequence[AcceptedRow], *, at: datetime
    ) -> ImportFigures:
        return await merge(self._transaction, supplier_id, rows, at=at)

    async def claim_unmatched(
        self, supplier_id: SupplierId | None, *, limit: int
    ) -> list[SupplierItem]:
        query = (
            select(
                _Item.id,
                _Item.supplier_id,
                _Item.supplier_sku,
                _Item.name,
                _Item.current_price,
                _Item.characteristics,
                _Item.created_at,
                _Item.category_id,
            )
            .where(_unmatched(supplier_id))
            .order_by(_Item.created_at, _Item.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [_item(row) for row in await self._transaction.run(query)]

    async def count_unmatched(self, supplier_id: SupplierId | None) -> int:
        query = select(func.count()).select_from(_Item).where(_unmatched(supplier_id))
        return int((await self._transaction.run(query)).scalar_one())

    async def record_matches(self, outcomes: Sequence[MatchOutcome], *, at: datetime) -> None:
        await record_matches(self._transaction, outcomes, at=at)

    async def products_of(self, supplier_id: SupplierId) -> list[ProductId]:
        query = (
            select(_Item.product_id)
            .where(_Item.supplier_id == supplier_id, _Item.product_id.is_not(None))
            .distinct()
            .order_by(_Item.product_id)
        )
        return [ProductId(row.product_id) for row in await self._transaction.run(query)]

    async def offers_of(self, product_ids: Sequence[ProductId]) -> list[Offer]:
        currency = _Item.characteristics[CURRENCY_KEY].label("currency")
        stock = _Item.characteristics[STOCK_KEY].label("stock")
        active = tables.Supplier.meta["is_active"].label("active")
        query = (
            select(
                _Item.product_id,
                currency,
                stock,
                active,
                func.min(_Item.current_price).label("lowest"),
                func.count().label("items"),
            )
            .join(tables.Supplier, tables.Supplier.id == _Item.supplier_id)
            .where(_Item.product_id == any_(literal(list(product_ids), ARRAY(Uuid))))
            .group_by(_Item.product_id, currency, stock, active)
        )
        return alike_as_one([_offer(row) for row in await self._transaction.run(query)])


def _unmatched(supplier_id: SupplierId | None) -> ColumnElement[bool]:
    waits = and_(_Item.product_id.is_(None), _Item.match_status == MatchStatus.UNMATCHED.value)
    return waits if supplier_id is None else and_(waits, _Item.supplier_id == supplier_id)


def _item(row: Row[Any]) -> SupplierItem:
    return SupplierItem(
        id=SupplierItemId(row.id),
        supplier_id=SupplierId(row.supplier_id),
        sku=row.supplier_sku,
        name=row.name,
        price=_money(row.current_price, row.characteristics),
        characteristics=row.characteristics,
        product_id=None,
        match_status=MatchStatus.UNMATCHED,
        created_at=row.created_at,
        category_id=None if row.category_id is None else CategoryId(row.category_id),
    )


def _offer(row: Row[Any]) -> Offer:
    """Return what a group says: what its words mean is not for the database to decide."""
    return Offer(
        product_id=ProductId(row.product_id),
        price=_money(row.lowest, {CURRENCY_KEY: row.currency}),
        in_stock=is_in_stock({STOCK_KEY: row.stock}),
        supplier_active=supplier_is_active({"is_active": row.active}),
        items=row.items,
    )


def _money(amount: Decimal, characteristics: dict[str, object]) -> Money:
    return Money(amount, currency_of(characteristics))
