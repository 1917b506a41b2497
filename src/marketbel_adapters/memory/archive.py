"""The durable memory of jobs, in a dict: it outlives a store that is made anew."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from marketbel_core.catalog import SourceRef
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import Job
from marketbel_core.ports import JobArchive, JournalEntry

__all__ = ["MemoryJobArchive"]


class MemoryJobArchive(JobArchive):
    """Keeps jobs and their lines for as long as it lives."""

    def __init__(self) -> None:
        self._jobs: dict[JobId, Job] = {}
        self._positions: dict[JobId, str] = {}
        self._lines: dict[str, JournalEntry] = {}

    async def record(self, job: Job) -> None:
        known = self._jobs.setdefault(job.id, job)
        self._jobs[job.id] = replace(known, source=known.source.completed_by(job.source))

    async def record_all(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            await self.record(job)

    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        for entry in sorted(entries, key=lambda entry: entry.position):
            shown = replace(entry.job, source=entry.job.source.shown())
            self._lines.setdefault(entry.position, replace(entry, job=shown))
            known = self._jobs.get(entry.job.id, entry.job)
            if self._is_news(entry, known):
                source = known.source.completed_by(entry.job.source)
                self._jobs[known.id] = replace(entry.job, source=source)
                self._positions[known.id] = entry.position

    async def source_of(self, job_id: JobId) -> SourceRef | None:
        job = self._jobs.get(job_id)
        return job.source if job else None

    async def unfinished(self, *, limit: int, after: JobId | None = None) -> list[Job]:
        jobs = sorted(
            (job for job in self._jobs.values() if job.is_active), key=lambda job: job.id
        )
        return [job for job in jobs if after is None or job.id > after][: max(limit, 0)]

    async def busy_suppliers(self) -> frozenset[SupplierId]:
        return frozenset(job.supplier_id for job in self._jobs.values() if job.is_active)

    async def history(self, job_id: JobId, *, limit: int) -> list[JournalEntry]:
        lines = sorted(
            (line for line in self._lines.values() if line.job.id == job_id),
            key=lambda line: line.position,
        )
        return lines[-limit:] if limit > 0 else []

    async def forget(self, *, before: datetime, limit: int) -> int:
        old = sorted(
            (line for line in self._lines.values() if line.at < before), key=lambda line: line.at
        )[: max(limit, 0)]
        for line in old:
            del self._lines[line.position]
        return len(old)

    def _is_news(self, entry: JournalEntry, known: Job) -> bool:
        """Tell whether the line is not out of date, by its place in the journal or its version."""
        position = self._positions.get(known.id)
        if position is None or entry.position > position:
            return True
        return (entry.job.version, entry.job.token) >= (known.version, known.token)
