"""The raw reads of both catalogues, for the suites that look behind the port."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.memory.catalog import MemoryCatalog
from marketbel_adapters.memory.catalog_state import comparable
from marketbel_adapters.testing.catalog_peek import (
    CatalogPeek,
    PeekedImport,
    PeekedItem,
    PeekedLogLine,
    PeekedPrice,
    PeekedProduct,
    PeekedReview,
)
from marketbel_core.catalog import Category, MatchStatus
from marketbel_core.ids import ProductId, SupplierId, SupplierItemId
from marketbel_core.ports import ImportFigures

__all__ = ["MemoryPeek", "PostgresPeek"]


class MemoryPeek(CatalogPeek):
    """Looks into the memory catalogue's state."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._catalog = catalog

    async def items(self, supplier_id: SupplierId) -> dict[str, PeekedItem]:
        return {
            stored.item.sku: PeekedItem(
                id=stored.item.id,
                name=stored.item.name,
                price=stored.item.price.amount,
                characteristics=stored.item.characteristics,
                product_id=stored.item.product_id,
                match_status=stored.item.match_status.value,
                match_score=stored.match_score,
                candidates=_json_pairs(stored.match_candidates),
                last_ingested_at=stored.last_ingested_at,
                price_opt=stored.price_opt,
                price_rrc=stored.price_rrc,
            )
            for stored in self._catalog.stored_items()
            if stored.item.supplier_id == supplier_id
        }

    async def prices(self, supplier_id: SupplierId) -> list[PeekedPrice]:
        skus = {i.id: i.sku for i in self._catalog.items() if i.supplier_id == supplier_id}
        found = [
            PeekedPrice(
                sku=skus[line.item_id], price=line.price.amount, recorded_at=line.recorded_at
            )
            for line in self._catalog.price_history()
            if line.item_id in skus
        ]
        return sorted(found, key=lambda line: (line.recorded_at, line.sku))

    async def products(self) -> dict[ProductId, PeekedProduct]:
        aggregates = self._catalog.aggregates()
        return {
            product.id: PeekedProduct(
                internal_sku=product.internal_sku,
                name=product.name,
                status=product.status.value,
                min_price=aggregates[product.id].min_price,
                availability=aggregates[product.id].availability,
            )
            for product in self._catalog.products()
        }

    async def reviews(self) -> dict[SupplierItemId, PeekedReview]:
        return {
            item_id: PeekedReview(
                candidates=_json_pairs(row.candidates) or (),
                status=row.status.value,
                expires_at=row.expires_at,
            )
            for item_id, row in self._catalog.reviews().items()
        }

    async def log(self) -> list[PeekedLogLine]:
        lines = [
            PeekedLogLine(
                task_id=stored.entry.task_id,
                level=stored.entry.level.value,
                message=stored.entry.message,
                supplier_id=stored.entry.supplier_id,
                row_number=stored.entry.row_number,
                details=stored.entry.details,
                created_at=stored.created_at,
            )
            for stored in self._catalog.stored_log()
        ]
        return sorted(lines, key=lambda line: (line.created_at, line.message))

    async def imports(self) -> list[PeekedImport]:
        return [
            PeekedImport(
                job_id=record.job_id,
                attempt=record.attempt,
                supplier_id=record.supplier_id,
                figures=record.figures,
                state=record.state.value,
            )
            for record in self._catalog.imports()
        ]

    async def set_match(
        self, item_id: SupplierItemId, status: MatchStatus, product_id: ProductId | None
    ) -> None:
        items = self._catalog._state.items
        changed = replace(items[item_id].item, match_status=status, product_id=product_id)
        items[item_id] = replace(items[item_id], item=changed)

    async def edit(
        self, item_id: SupplierItemId, *, name: str, characteristics: Mapping[str, object]
    ) -> None:
        items = self._catalog._state.items
        item = replace(items[item_id].item, name=name, characteristics=characteristics)
        told = comparable(json.dumps(dict(characteristics)))
        items[item_id] = replace(items[item_id], item=item, characteristics=told)

    async def categorise(self, category: Category) -> None:
        self._catalog.categorise(category)

    async def delete_item(self, item_id: SupplierItemId) -> None:
        state = self._catalog._state
        item = state.items.pop(item_id).item
        del state.item_ids[item.supplier_id, item.sku]
        state.prices = [line for line in state.prices if line.item_id != item_id]

    async def delete_supplier(self, supplier_id: SupplierId) -> None:
        state = self._catalog._state
        del state.suppliers[supplier_id]
        for key in [key for key in state.item_ids if key[0] == supplier_id]:
            item_id = state.item_ids.pop(key)
            del state.items[item_id]
            state.reviews.pop(item_id, None)
            state.verdicts.pop(item_id, None)


class PostgresPeek(CatalogPeek):
    """Reads and writes the tables in SQL of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def items(self, supplier_id: SupplierId) -> dict[str, PeekedItem]:
        rows = await self._rows(
            "SELECT * FROM supplier_items WHERE supplier_id = :x", x=supplier_id
        )
        return {
            row.supplier_sku: PeekedItem(
                id=row.id,
                name=row.name,
                price=row.current_price,
                characteristics=row.characteristics,
                product_id=row.product_id,
                match_status=row.match_status,
                match_score=row.match_score,
                candidates=_json_pairs(row.match_candidates),
                last_ingested_at=row.last_ingested_at,
                price_opt=row.price_opt,
                price_rrc=row.price_rrc,
            )
            for row in rows
        }

    async def prices(self, supplier_id: SupplierId) -> list[PeekedPrice]:
        rows = await self._rows(
            "SELECT supplier_sku, price, recorded_at FROM price_history h"
            " JOIN supplier_items i ON i.id = h.supplier_item_id WHERE i.supplier_id = :x"
            " ORDER BY recorded_at, supplier_sku",
            x=supplier_id,
        )
        return [
            PeekedPrice(sku=row.supplier_sku, price=row.price, recorded_at=row.recorded_at)
            for row in rows
        ]

    async def products(self) -> dict[ProductId, PeekedProduct]:
        return {
            row.id: PeekedProduct(
                internal_sku=row.internal_sku,
                name=row.name,
                status=row.status,
                min_price=row.min_price,
                availability=row.availability,
            )
            for row in await self._rows("SELECT * FROM products")
        }

    async def reviews(self) -> dict[SupplierItemId, PeekedReview]:
        return {
            row.supplier_item_id: PeekedReview(
                candidates=_json_pairs(row.candidate_products) or (),
                status=row.status,
                expires_at=row.expires_at,
            )
            for row in await self._rows("SELECT * FROM match_review_queue")
        }

    async def log(self) -> list[PeekedLogLine]:
        rows = await self._rows("SELECT * FROM parsing_logs ORDER BY created_at, error_message")
        return [
            PeekedLogLine(
                task_id=row.task_id,
                level=row.error_type,
                message=row.error_message,
                supplier_id=row.supplier_id,
                row_number=row.row_number,
                details=row.row_data,
                created_at=row.created_at,
            )
            for row in rows
        ]

    async def imports(self) -> list[PeekedImport]:
        rows = await self._rows("SELECT * FROM marketbel.imports ORDER BY position")
        return [
            PeekedImport(
                job_id=row.job_id,
                attempt=row.attempt,
                supplier_id=row.supplier_id,
                figures=ImportFigures(
                    **{field.name: getattr(row, field.name) for field in fields(ImportFigures)}
                ),
                state=row.state,
            )
            for row in rows
        ]

    async def set_match(
        self, item_id: SupplierItemId, status: MatchStatus, product_id: ProductId | None
    ) -> None:
        await self._rows(
            "UPDATE supplier_items SET match_status = CAST(:status AS match_status),"
            " product_id = :product_id WHERE id = :item_id",
            item_id=item_id,
            status=status.value,
            product_id=product_id,
        )

    async def edit(
        self, item_id: SupplierItemId, *, name: str, characteristics: Mapping[str, object]
    ) -> None:
        await self._rows(
            "UPDATE supplier_items SET name = :name,"
            " characteristics = CAST(:characteristics AS jsonb) WHERE id = :item_id",
            item_id=item_id,
            name=name,
            characteristics=json.dumps(dict(characteristics)),
        )

    async def categorise(self, category: Category) -> None:
        await self._rows(
            "INSERT INTO categories (id, name, parent_id) VALUES (:id, :name, :parent_id)",
            id=category.id,
            name=category.name,
            parent_id=category.parent_id,
        )

    async def delete_item(self, item_id: SupplierItemId) -> None:
        await self._rows("DELETE FROM supplier_items WHERE id = :x", x=item_id)

    async def delete_supplier(self, supplier_id: SupplierId) -> None:
        await self._rows("DELETE FROM suppliers WHERE id = :x", x=supplier_id)

    async def empty(self) -> None:
        """Take every row out of every table that the catalogue writes."""
        await self._rows(
            "TRUNCATE suppliers, products, parsing_logs, marketbel.sync_runs,"
            " marketbel.known_links CASCADE"
        )

    async def _rows(self, sql: str, **values: object) -> list[Row[Any]]:
        async with self._engine.begin() as connection:
            result = await connection.execute(text(sql), values)
            return list(result) if result.returns_rows else []


def _json_pairs(
    candidates: Sequence[Mapping[str, Any]] | None,
) -> tuple[tuple[UUID, float], ...] | None:
    if candidates is None:
        return None
    return tuple((UUID(told["product_id"]), told["score"]) for told in candidates)
