"""What is kept of syncs in PostgreSQL: `marketbel.outbox` and `marketbel.sync_runs`."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text

from marketbel_adapters.catalog_values import json_value
from marketbel_adapters.postgres.transaction import Transaction
from marketbel_core.errors import StaleSyncError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.ports import (
    Outbox,
    OutboxEntry,
    SyncFigures,
    SyncRun,
    SyncRuns,
    SyncTurn,
)

__all__ = ["PostgresOutbox", "PostgresSyncRuns"]

_SYNC_LOCK: Final = 5_201_315
"""An advisory lock: one unit at a time applies a sync."""

_PUT: Final = text("""
    INSERT INTO marketbel.outbox (job_id, supplier_id, run_key, created_at)
    SELECT e.job_id, e.supplier_id, e.run_key, CAST(:at AS timestamptz)
      FROM jsonb_to_recordset(CAST(:entries AS jsonb))
           AS e (position integer, job_id uuid, supplier_id uuid, run_key text)
      JOIN suppliers s ON s.id = e.supplier_id
     ORDER BY e.position
    ON CONFLICT (supplier_id) DO NOTHING
""")
_SUPPLIERS: Final = text("SELECT supplier_id FROM marketbel.outbox")
_OLDEST: Final = text("""
    SELECT job_id, supplier_id, run_key FROM marketbel.outbox ORDER BY position LIMIT :limit
""")
_DONE: Final = text(
    "DELETE FROM marketbel.outbox WHERE job_id = ANY (CAST(CAST(:ids AS text[]) AS uuid[]))"
)
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:lock)")
_RUN: Final = """
    SELECT key, task_id, triggered_by, era, token, served, applied_at, figures
      FROM marketbel.sync_runs
"""
_KNOWN: Final = text(_RUN + " WHERE key = :key")
_LATER: Final = text(
    "SELECT 1 FROM marketbel.sync_runs WHERE era = :era AND token > :token LIMIT 1"
)
_LATEST: Final = text(_RUN + " ORDER BY applied_at DESC, token DESC LIMIT :limit")
_RECORD: Final = text("""
    INSERT INTO marketbel.sync_runs
        (key, task_id, triggered_by, era, token, served, applied_at, figures)
    VALUES (:key, :task_id, :triggered_by, :era, :token, CAST(:served AS jsonb), :applied_at,
            CAST(:figures AS jsonb))
""")


class PostgresOutbox(Outbox):
    """The outbox, inside one transaction; entries of a supplier that is deleted go with it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def put(self, entries: Sequence[OutboxEntry], *, at: datetime) -> int:
        if not entries:
            return 0
        told = [
            {
                "position": position,
                "job_id": str(entry.job_id),
                "supplier_id": str(entry.supplier_id),
                "run_key": entry.run_key,
            }
            for position, entry in enumerate(entries)
        ]
        values = {"entries": json.dumps(told), "at": at}
        return (await self._transaction.run(_PUT, values)).rowcount

    async def suppliers(self) -> frozenset[SupplierId]:
        found = (await self._transaction.run(_SUPPLIERS)).scalars().all()
        return frozenset(map(SupplierId, found))

    async def oldest(self, *, limit: int) -> list[OutboxEntry]:
        found = await self._transaction.run(_OLDEST, {"limit": max(limit, 0)})
        return [
            OutboxEntry(
                job_id=JobId(row.job_id),
                supplier_id=SupplierId(row.supplier_id),
                run_key=row.run_key,
            )
            for row in found
        ]

    async def done(self, job_ids: Collection[JobId]) -> None:
        await self._transaction.run(_DONE, {"ids": [str(job_id) for job_id in job_ids]})


class PostgresSyncRuns(SyncRuns):
    """The syncs that were applied, inside one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def begin(self, turn: SyncTurn) -> SyncRun | None:
        await self._transaction.run(_LOCK, {"lock": _SYNC_LOCK})
        known = (await self._transaction.run(_KNOWN, {"key": turn.key})).one_or_none()
        if known is not None:
            return _run(known)
        values = {"era": turn.era, "token": turn.token}
        if (await self._transaction.run(_LATER, values)).one_or_none() is not None:
            raise StaleSyncError(turn.task_id)
        return None

    async def record(self, run: SyncRun) -> None:
        values = {
            "key": run.key,
            "task_id": run.task_id,
            "triggered_by": run.triggered_by,
            "era": run.era,
            "token": run.token,
            "served": json.dumps(run.served),
            "applied_at": run.applied_at,
            "figures": json.dumps(json_value(asdict(run.figures))),
        }
        await self._transaction.run(_RECORD, values)

    async def latest(self, *, limit: int) -> list[SyncRun]:
        found = await self._transaction.run(_LATEST, {"limit": max(limit, 0)})
        return [_run(row) for row in found]


def _run(row: Row[Any]) -> SyncRun:
    figures = {**row.figures, "errors": tuple(row.figures.get("errors", ()))}
    return SyncRun(
        key=row.key,
        task_id=row.task_id,
        triggered_by=row.triggered_by,
        era=row.era,
        token=row.token,
        served=tuple(row.served),
        applied_at=row.applied_at,
        figures=SyncFigures(**figures),
    )
