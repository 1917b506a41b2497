"""The durable memory of jobs in PostgreSQL: `marketbel.jobs` and `marketbel.job_journal`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.job_snapshot import job_of, readable, snapshot_of, source_of
from marketbel_adapters.postgres.transaction import transaction_on
from marketbel_core.catalog import SourceRef
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import Deferred, Job, Phase
from marketbel_core.ports import JobArchive, JournalEntry

__all__ = ["PostgresJobArchive"]

_SOURCE: Final = "source"
"""Kept apart from the rest of a job: most lines know a shortened address only."""

# Two transactions that keep the same rows wait for each other: sorted, so never in a circle.
_INSERT: Final = """
    INSERT INTO marketbel.jobs AS known
        (id, supplier_id, supplier_name, source, state, phase, attempt, token, version, position,
         created_at, changed_at)
    SELECT id, supplier_id, supplier_name, source, state, phase, attempt, token, version, position,
           created_at, changed_at
      FROM jsonb_to_recordset(CAST(:jobs AS jsonb))
           AS t (id uuid, supplier_id uuid, supplier_name text, source jsonb, state jsonb,
                 phase text, attempt integer, token bigint, version bigint, position text,
                 created_at timestamptz, changed_at timestamptz)
     ORDER BY id
    ON CONFLICT (id) DO
"""
_RECORD: Final = text(_INSERT + "UPDATE SET id = known.id RETURNING id, source")
"""Nothing changes, and what is kept already is locked and returned."""
# A line is out of date only if both its place in the journal and its version say so: positions
# go back when a store is made anew on a machine whose clock is behind, versions when a job was
# made anew in an emptied store.
_APPLY: Final = text(
    _INSERT
    + """UPDATE SET
        supplier_id = excluded.supplier_id, supplier_name = excluded.supplier_name,
        state = excluded.state, phase = excluded.phase, attempt = excluded.attempt,
        token = excluded.token, version = excluded.version, position = excluded.position,
        created_at = excluded.created_at, changed_at = excluded.changed_at,
        source = CASE WHEN known.source ->> 'is_shortened' = 'true'
                       AND excluded.source ->> 'is_shortened' = 'false'
                      THEN excluded.source ELSE known.source END
     WHERE known.position IS NULL OR excluded.position > known.position
        OR (excluded.version, excluded.token) >= (known.version, known.token)
"""
)
_KEEP_LINES: Final = text("""
    INSERT INTO marketbel.job_journal
        (position, job_id, at, event, before, after, attempt, token, version, code, state)
    SELECT position, job_id, at, event, before, after, attempt, token, version, code, state
      FROM jsonb_to_recordset(CAST(:lines AS jsonb))
           AS t (position text, job_id uuid, at timestamptz, event text, before text, after text,
                 attempt integer, token bigint, version bigint, code text, state jsonb)
     ORDER BY position
    ON CONFLICT (position) DO NOTHING
""")
_SET_SOURCE: Final = text(
    "UPDATE marketbel.jobs SET source = CAST(:source AS jsonb) WHERE id = :id"
)
_SOURCE_OF: Final = text("SELECT source FROM marketbel.jobs WHERE id = :id")
_UNFINISHED: Final = text("""
    SELECT source, state FROM marketbel.jobs
     WHERE phase NOT IN ('complete', 'failed')
       AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
     ORDER BY id
     LIMIT :limit
""")
_BUSY: Final = text("""
    SELECT DISTINCT supplier_id FROM marketbel.jobs WHERE phase NOT IN ('complete', 'failed')
""")
_HISTORY: Final = text("""
    SELECT position, at, event, before, token, state FROM marketbel.job_journal
     WHERE job_id = :id
     ORDER BY position DESC
     LIMIT :limit
""")
_FORGET: Final = text("""
    DELETE FROM marketbel.job_journal
     WHERE position IN (
        SELECT position FROM marketbel.job_journal
         WHERE at < :before ORDER BY at LIMIT :limit FOR UPDATE SKIP LOCKED)
""")


class PostgresJobArchive(JobArchive):
    """Keeps jobs and what happened to them, a transaction a call.

    Texts that PostgreSQL cannot hold come back as they were: a job is never lost for its
    supplier's name. The engine belongs to the caller, who disposes of it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="READ COMMITTED")

    async def record(self, job: Job) -> None:
        await self.record_all([job])

    async def record_all(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        told = {job.id: job.source for job in jobs}
        async with transaction_on(self._engine) as transaction:
            rows = json.dumps([_row(job) for job in jobs])
            kept = (await transaction.run(_RECORD, {"jobs": rows})).all()
            for row in kept:
                source = source_of(row.source)
                whole = source.completed_by(told[JobId(row.id)])
                if whole != source:
                    values = {"id": row.id, "source": json.dumps(snapshot_of(whole))}
                    await transaction.run(_SET_SOURCE, values)

    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        if not entries:
            return
        in_order = sorted(entries, key=lambda entry: entry.position)
        last: dict[JobId, JournalEntry] = {}
        for entry in in_order:
            known = last.get(entry.job.id, entry).job.source
            whole = replace(entry.job, source=known.completed_by(entry.job.source))
            last[entry.job.id] = replace(entry, job=whole)
        jobs = [_row(entry.job, position=entry.position) for entry in last.values()]
        lines = [_line(entry) for entry in in_order]
        async with transaction_on(self._engine) as transaction:
            await transaction.run(_APPLY, {"jobs": json.dumps(jobs)})
            await transaction.run(_KEEP_LINES, {"lines": json.dumps(lines)})

    async def source_of(self, job_id: JobId) -> SourceRef | None:
        async with transaction_on(self._engine) as transaction:
            known = (await transaction.run(_SOURCE_OF, {"id": job_id})).scalar_one_or_none()
        return None if known is None else source_of(known)

    async def unfinished(self, *, limit: int, after: JobId | None = None) -> list[Job]:
        values = {"limit": max(limit, 0), "after": after}
        async with transaction_on(self._engine) as transaction:
            found = (await transaction.run(_UNFINISHED, values)).all()
        return [job_of({**row.state, _SOURCE: row.source}) for row in found]

    async def busy_suppliers(self) -> frozenset[SupplierId]:
        async with transaction_on(self._engine) as transaction:
            found = (await transaction.run(_BUSY)).scalars().all()
        return frozenset(map(SupplierId, found))

    async def history(self, job_id: JobId, *, limit: int) -> list[JournalEntry]:
        values = {"id": job_id, "limit": max(limit, 0)}
        async with transaction_on(self._engine) as transaction:
            found = (await transaction.run(_HISTORY, values)).all()
        return [
            JournalEntry(
                position=row.position,
                at=row.at,
                event=row.event,
                before=None if row.before is None else Phase(row.before),
                token=row.token,
                job=job_of(row.state),
            )
            for row in reversed(found)
        ]

    async def forget(self, *, before: datetime, limit: int) -> int:
        values = {"before": before, "limit": max(limit, 0)}
        async with transaction_on(self._engine) as transaction:
            return (await transaction.run(_FORGET, values)).rowcount


def _row(job: Job, *, position: str | None = None) -> dict[str, object]:
    state = snapshot_of(job)
    return {
        "id": str(job.id),
        "supplier_id": str(job.supplier_id),
        "supplier_name": readable(job.supplier_name),
        "source": state.pop(_SOURCE),
        "state": state,
        "phase": job.phase.value,
        "attempt": job.attempt,
        "token": job.token,
        "version": job.version,
        "position": position,
        "created_at": state["created_at"],
        "changed_at": state["changed_at"],
    }


def _line(entry: JournalEntry) -> dict[str, object]:
    job = entry.job
    trouble = job.deferred_by if entry.event == Deferred.__name__ else job.failure
    return {
        "position": entry.position,
        "job_id": str(job.id),
        "at": entry.at.isoformat(),
        "event": entry.event,
        "before": None if entry.before is None else entry.before.value,
        "after": job.phase.value,
        "attempt": job.attempt,
        "token": entry.token,
        "version": job.version,
        "code": None if trouble is None else readable(trouble.code),
        "state": snapshot_of(replace(job, source=job.source.shown())),
    }
