"""The durable memory of jobs, in a dict: it outlives a store that is made anew."""

from collections.abc import Sequence
from dataclasses import replace

from marketbel_core.catalog import SourceRef
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job
from marketbel_core.ports import JobArchive, JournalEntry

__all__ = ["MemoryJobArchive"]


class MemoryJobArchive(JobArchive):
    """Keeps jobs and their lines for as long as it lives."""

    def __init__(self) -> None:
        self._jobs: dict[JobId, Job] = {}
        self._lines: dict[str, JournalEntry] = {}

    async def record(self, job: Job) -> None:
        self._jobs.setdefault(job.id, job)

    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            self._lines.setdefault(entry.position, entry)
            known = self._jobs.get(entry.job.id)
            if known is None:
                self._jobs[entry.job.id] = entry.job
            elif (entry.job.version, entry.job.token) >= (known.version, known.token):
                self._jobs[entry.job.id] = replace(entry.job, source=known.source)

    async def source_of(self, job_id: JobId) -> SourceRef | None:
        job = self._jobs.get(job_id)
        return job.source if job else None

    async def unfinished(self, *, limit: int, after: JobId | None = None) -> list[Job]:
        jobs = sorted(
            (job for job in self._jobs.values() if job.is_active), key=lambda job: job.id
        )
        return [job for job in jobs if after is None or job.id > after][: max(limit, 0)]

    async def history(self, job_id: JobId, *, limit: int) -> list[JournalEntry]:
        lines = sorted(
            (line for line in self._lines.values() if line.job.id == job_id),
            key=lambda line: line.position,
        )
        return lines[-limit:] if limit > 0 else []
