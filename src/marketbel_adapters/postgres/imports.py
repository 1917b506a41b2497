"""The imports in PostgreSQL: their records, what they changed, and the way back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Row, Uuid, any_, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from marketbel_adapters.catalog_values import storable_text
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.import_undo import undo_changes
from marketbel_adapters.postgres.staging import PostgresStagedList, hold_supplier, money_of
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.errors import ImportNotFoundError
from marketbel_core.ids import ImportId, JobId, SupplierId
from marketbel_core.intake.plan import Difference, DifferenceKind, HoldReason, ImportFigures
from marketbel_core.ports import Import, Imports, ImportState, UndoOutcome

__all__ = ["PostgresImports"]

_Import: Final = tables.Import
_FIGURES: Final = (
    *("inserted", "updated", "unchanged", "merged", "repriced"),
    *("moved", "rejected", "no_price", "unavailable", "missing"),
)
# Undo is offered for a supplier's last imports; what it takes would grow for ever otherwise.
_UNDOABLE: Final = 10
_FORGET: Final = """
    DELETE FROM {table}
     WHERE import_id IN (SELECT id FROM marketbel.imports
                          WHERE supplier_id = CAST(:supplier_id AS uuid) AND state = 'applied'
                          ORDER BY position DESC OFFSET :kept)
"""
_CHANGES: Final = text("""
    (SELECT CASE WHEN c.price_id IS NULL THEN 'updated' ELSE 'repriced' END AS kind,
            coalesce(i.supplier_sku, '?') AS supplier_sku, c.name, c.current_price AS price_before,
            c.characteristics -> '_currency' AS was, c.price_after,
            i.characteristics -> '_currency' AS is
       FROM marketbel.import_changes c LEFT JOIN supplier_items i ON i.id = c.item_id
      WHERE c.import_id = CAST(:import_id AS uuid)
      ORDER BY c.price_id IS NULL,
               abs(c.price_after - c.current_price) / greatest(c.current_price, 0.01) DESC,
               i.supplier_sku
      LIMIT :limit)
    UNION ALL
    (SELECT 'inserted', i.supplier_sku, i.name, NULL, NULL, i.current_price,
            i.characteristics -> '_currency'
       FROM (SELECT unnest(item_ids) AS item_id FROM marketbel.import_insertions
              WHERE import_id = CAST(:import_id AS uuid)) n
       JOIN supplier_items i ON i.id = n.item_id
      ORDER BY i.supplier_sku LIMIT :limit)
""")


class PostgresImports(Imports):
    """The imports, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def stage(self, supplier_id: SupplierId) -> PostgresStagedList:
        staged = PostgresStagedList(self._transaction, supplier_id)
        await staged.open()
        return staged

    async def note(self, record: Import) -> None:
        statement = insert(_Import).values(
            id=record.id,
            job_id=record.job_id,
            supplier_id=record.supplier_id,
            attempt=record.attempt,
            state=record.state.value,
            task_id=record.task_id,
            content_key=record.content_key,
            source_name=storable_text(record.source_name),
            accepted=record.figures.accepted,
            **{name: getattr(record.figures, name) for name in _FIGURES},
            reasons=[{"code": each.code, "message": each.message} for each in record.reasons],
            layouts=dict(record.layouts),
            applied_at=record.noted_at,
            approved_at=record.approved_at,
            approved_by=record.approved_by,
            undone_at=record.undone_at,
        )
        await self._transaction.run(
            statement.on_conflict_do_nothing(index_elements=["id"]),
            supplier_id=record.supplier_id,
        )
        values = {"supplier_id": record.supplier_id, "kept": _UNDOABLE}
        for table in ("marketbel.import_changes", "marketbel.import_insertions"):
            await self._transaction.run(text(_FORGET.format(table=table)), values)

    async def get(self, import_id: ImportId) -> Import:
        found = await self._transaction.run(select(_Import).where(_Import.id == import_id))
        row = found.one_or_none()
        if row is None:
            raise ImportNotFoundError(import_id)
        return _record(row)

    async def recent(
        self,
        supplier_id: SupplierId | None,
        *,
        limit: int,
        state: ImportState | None = None,
        content_key: str | None = None,
    ) -> list[Import]:
        query = select(_Import).order_by(_Import.position.desc()).limit(limit)
        if supplier_id is not None:
            query = query.where(_Import.supplier_id == supplier_id)
        if state is not None:
            query = query.where(_Import.state == state.value)
        if content_key is not None:
            query = query.where(_Import.content_key == content_key)
        return [_record(row) for row in await self._transaction.run(query)]

    async def approve(self, import_id: ImportId, *, by: str, at: datetime) -> None:
        approved = (
            update(_Import)
            .where(_Import.id == import_id)
            .values(
                approved_at=func.coalesce(_Import.approved_at, at),
                approved_by=func.coalesce(_Import.approved_by, storable_text(by)),
            )
        )
        if not (await self._transaction.run(approved)).rowcount:
            raise ImportNotFoundError(import_id)

    async def to_follow(self, *, limit: int) -> list[Import]:
        query = (
            select(_Import)
            .where(_Import.job_id.is_(None), _Import.followed_at.is_(None))
            .where(_Import.state == ImportState.APPLIED.value)
            .order_by(_Import.position)
            .limit(limit)
        )
        return [_record(row) for row in await self._transaction.run(query)]

    async def followed(self, import_ids: Sequence[ImportId], *, at: datetime) -> None:
        named = _Import.id == any_(literal(list(import_ids), ARRAY(Uuid)))
        await self._transaction.run(update(_Import).where(named).values(followed_at=at))

    async def changes(self, import_id: ImportId, *, limit: int) -> list[Difference]:
        found = await self._transaction.run(_CHANGES, {"import_id": import_id, "limit": limit})
        return [
            Difference(
                kind=DifferenceKind(row.kind),
                sku=row.supplier_sku,
                name=row.name,
                before=money_of(row.price_before, row.was),
                after=money_of(row.price_after, getattr(row, "is")),
            )
            for row in found
        ]

    async def undo(self, import_id: ImportId, *, at: datetime) -> UndoOutcome:
        supplier_id = (await self.get(import_id)).supplier_id
        await hold_supplier(self._transaction, supplier_id)
        if (await self.get(import_id)).state is not ImportState.APPLIED:
            return UndoOutcome()
        return await undo_changes(
            self._transaction, import_id, {"supplier_id": supplier_id}, at=at
        )


def _record(row: Row[Any]) -> Import:
    reasons: list[Mapping[str, str]] = row.reasons
    return Import(
        id=ImportId(row.id),
        supplier_id=SupplierId(row.supplier_id),
        state=ImportState(row.state),
        noted_at=row.applied_at,
        task_id=row.task_id,
        job_id=None if row.job_id is None else JobId(row.job_id),
        attempt=row.attempt,
        content_key=row.content_key,
        source_name=row.source_name,
        figures=ImportFigures(**{name: getattr(row, name) for name in _FIGURES}),
        reasons=tuple(HoldReason(**each) for each in reasons),
        layouts=row.layouts,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        undone_at=row.undone_at,
    )
