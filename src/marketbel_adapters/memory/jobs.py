"""Jobs in a dict."""

from dataclasses import replace

from marketbel_core.errors import JobNotFoundError, StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, JobProgress, Phase
from marketbel_core.ports import JobStore

__all__ = ["MemoryJobStore"]


class MemoryJobStore(JobStore):
    """Keeps jobs for as long as it lives.

    No method awaits anything, so in one event loop each is atomic; threads must not share it.
    """

    def __init__(self) -> None:
        self._jobs: dict[JobId, Job] = {}

    async def add(self, job: Job) -> None:
        self._jobs.setdefault(job.id, job)

    async def get(self, job_id: JobId) -> Job:
        if job_id not in self._jobs:
            raise JobNotFoundError(job_id)
        return self._jobs[job_id]

    async def save(self, job: Job, *, expected_version: int) -> None:
        stored = await self.get(job.id)
        if stored.version != expected_version:
            raise StaleJobError(
                job.id, expected_version=expected_version, stored_version=stored.version
            )
        self._jobs[job.id] = job

    async def record_progress(
        self, job_id: JobId, progress: JobProgress, *, expected_version: int
    ) -> bool:
        stored = self._jobs.get(job_id)
        if stored is None or stored.version != expected_version:
            return False
        self._jobs[job_id] = replace(stored, progress=progress)
        return True

    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        jobs = [job for job in self._jobs.values() if job.phase is phase]
        return sorted(jobs, key=lambda job: (job.changed_at, job.id))[: max(limit, 0)]
