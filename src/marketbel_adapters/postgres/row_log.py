"""The row log in PostgreSQL: `parsing_logs`, and our note of what was logged already."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Uuid, any_, func, literal, select, text

from marketbel_adapters.catalog_values import log_entry
from marketbel_adapters.postgres import tables
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.ids import SupplierId
from marketbel_core.ports import LogEntry, LogLevel, RowLog

__all__ = ["PostgresRowLog"]

# The note is written first, and only what it did not know is logged. Its key to the log line is
# checked when the statement ends. Two units that log the same line wait for each other here:
# sorted, so never in a circle.
_RECORD: Final = text("""
    WITH entries AS MATERIALIZED (
        SELECT gen_random_uuid() AS id, e.*
          FROM jsonb_to_recordset(CAST(:entries AS jsonb))
               AS e (position integer, task_id text, row_key text, supplier_id uuid,
                     error_type text, error_message text, row_number integer, row_data jsonb)
    ), noted AS (
        INSERT INTO marketbel.row_rejections (log_id, task_id, row_key)
        SELECT id, task_id, row_key FROM entries ORDER BY task_id, row_key, position
        ON CONFLICT (task_id, row_key) DO NOTHING
        RETURNING log_id
    )
    INSERT INTO parsing_logs (id, task_id, supplier_id, error_type, error_message, row_number,
                              row_data, created_at)
    SELECT e.id, e.task_id, e.supplier_id, e.error_type, e.error_message, e.row_number,
           e.row_data, CAST(:at AS timestamptz)
      FROM entries e JOIN noted n ON n.log_id = e.id
     ORDER BY e.position
    RETURNING id
""")


class PostgresRowLog(RowLog):
    """The row log, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def record(self, entries: Sequence[LogEntry], *, at: datetime) -> int:
        if not entries:
            return 0
        known = await self._known({entry.supplier_id for entry in entries if entry.supplier_id})
        told = [
            _as_json(position, log_entry(entry), known) for position, entry in enumerate(entries)
        ]
        written = await self._transaction.run(_RECORD, {"entries": json.dumps(told), "at": at})
        return len(written.all())

    async def rejections(self, task_id: str, *, skip: int, limit: int) -> list[LogEntry]:
        line, note = tables.ParsingLog, tables.RowRejection
        query = (
            select(
                line.error_message, line.supplier_id, line.row_number, line.row_data, note.row_key
            )
            .join(note, note.log_id == line.id)
            .where(line.task_id == task_id, line.error_type == LogLevel.ROW.value)
            .order_by(func.coalesce(line.row_number, 0), note.row_key.collate("C"))
            .offset(skip)
            .limit(limit)
        )
        return [
            LogEntry(
                task_id=task_id,
                level=LogLevel.ROW,
                message=row.error_message,
                key=row.row_key,
                supplier_id=row.supplier_id,
                row_number=row.row_number,
                details=row.row_data or {},
            )
            for row in await self._transaction.run(query)
        ]

    async def _known(self, supplier_ids: set[SupplierId]) -> set[SupplierId]:
        """Return those that are stored, kept from being deleted until the unit ends."""
        query = (
            select(tables.Supplier.id)
            .where(tables.Supplier.id == any_(literal(list(supplier_ids), ARRAY(Uuid))))
            .order_by(tables.Supplier.id)
            .with_for_update(read=True, key_share=True)
        )
        return {SupplierId(row.id) for row in await self._transaction.run(query)}


def _as_json(position: int, entry: LogEntry, known: set[SupplierId]) -> dict[str, object]:
    return {
        "position": position,
        "task_id": entry.task_id,
        "row_key": entry.key,
        "supplier_id": str(entry.supplier_id) if entry.supplier_id in known else None,
        "error_type": entry.level.value,
        "error_message": entry.message,
        "row_number": entry.row_number,
        "row_data": dict(entry.details),
    }
