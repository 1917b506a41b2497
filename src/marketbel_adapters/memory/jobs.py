"""Jobs in a dict, with the journal of what happened to them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from marketbel_adapters.memory.environment import ManualClock
from marketbel_core.errors import IllegalTransitionError, JobNotFoundError, StaleJobError
from marketbel_core.ids import JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    RetryRequested,
    advance,
    claimed,
)
from marketbel_core.ports import Clock, JobJournal, JobStore, JournalEntry, Renewal

__all__ = ["MemoryJobJournal", "MemoryJobStore"]

_ENDS_THE_LEASE = (LeaseLost, RetryRequested, Replayed)


class MemoryJobJournal(JobJournal):
    """Keeps the lines of a `MemoryJobStore` until they are trimmed."""

    def __init__(self) -> None:
        self._lines: list[JournalEntry] = []
        self._written = 0

    def lose_everything(self) -> None:
        """Forget every line, as Redis does that lost its memory; later positions go on."""
        self._lines = []

    def append(
        self, job: Job, *, event: str, before: Phase | None, token: int, at: datetime
    ) -> None:
        """Write one line."""
        self._written += 1
        position = f"{self._written:016d}"
        line = JournalEntry(
            position=position, at=at, event=event, before=before, token=token, job=job
        )
        self._lines.append(line)

    async def read(self, *, limit: int) -> list[JournalEntry]:
        return self._lines[: max(limit, 0)]

    async def trim(self, *, through: str) -> None:
        self._lines = [line for line in self._lines if line.position > through]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hold:
    token: int
    until: datetime


class MemoryJobStore(JobStore):
    """Keeps jobs for as long as it lives.

    No method awaits anything, so in one event loop each is atomic; threads must not share it.
    """

    def __init__(
        self, clock: Clock | None = None, *, journal: MemoryJobJournal | None = None
    ) -> None:
        """Lend jobs by `clock`, and write what happens into `journal`; both
        are made if missing.
        """
        self._clock = clock or ManualClock()
        self.journal = journal or MemoryJobJournal()
        self._jobs: dict[JobId, Job] = {}
        self._holds: dict[JobId, _Hold] = {}
        self._dead: set[JobId] = set()

    def lose_everything(self) -> None:
        """Forget jobs, holds and journal, as Redis does that lost its memory."""
        self._jobs.clear()
        self._holds.clear()
        self._dead.clear()
        self.journal.lose_everything()

    async def add(self, job: Job) -> None:
        if job.id not in self._jobs:
            self._store(_shown(job), event="Created", before=None, token=job.token)

    async def add_all(self, jobs: Sequence[Job]) -> frozenset[JobId]:
        known = frozenset(job.id for job in jobs if job.id in self._jobs)
        for job in jobs:
            await self.add(job)
        return known

    async def get(self, job_id: JobId) -> Job:
        if job_id not in self._jobs:
            raise JobNotFoundError(job_id)
        return self._jobs[job_id]

    async def claim(self, job_id: JobId, *, duration: timedelta) -> Job | None:
        job = await self.get(job_id)
        hold, now = self._holds.get(job_id), self._clock.now()
        if not job.is_active or (hold is not None and hold.until > now):
            return None
        taken = claimed(job, lost=hold is not None)
        self._holds[job_id] = _Hold(token=taken.token, until=now + duration)
        self._store(taken, event="Claimed", before=job.phase, token=taken.token)
        return taken

    async def renew(self, job: Job, *, duration: timedelta) -> Renewal:
        stored = self._jobs.get(job.id)
        if stored is not None and stored.token > job.token:
            return Renewal.LOST
        hold = self._holds.get(job.id)
        if hold is None or hold.token != job.token:
            return Renewal.ENDED
        self._holds[job.id] = replace(hold, until=self._clock.now() + duration)
        return Renewal.HELD

    async def release(self, job: Job) -> bool:
        hold = self._holds.get(job.id)
        if hold is None or hold.token != job.token:
            return False
        del self._holds[job.id]
        return True

    async def reap(self, *, limit: int) -> list[Job]:
        now = self._clock.now()
        expired = sorted(
            (hold.until, job_id) for job_id, hold in self._holds.items() if hold.until <= now
        )
        reaped = []
        for _, job_id in expired[: max(limit, 0)]:
            job = self._jobs[job_id]
            moved = advance(job, LeaseLost(), now=now)
            del self._holds[job_id]
            self._store(moved, event=LeaseLost.__name__, before=job.phase, token=moved.token)
            reaped.append(moved)
        return reaped

    async def save(self, job: Job, *, read: Job, event: type[JobEvent]) -> None:
        stored = await self.get(job.id)
        if (stored.version, stored.token) != (read.version, read.token):
            raise StaleJobError(
                job.id, expected_version=read.version, stored_version=stored.version
            )
        if TRANSITIONS.get((stored.phase, event)) is not job.phase:
            raise IllegalTransitionError(job_id=job.id, phase=stored.phase, event=event.__name__)
        if not job.is_active or issubclass(event, _ENDS_THE_LEASE):
            self._holds.pop(job.id, None)
        self._store(_shown(job), event=event.__name__, before=stored.phase, token=read.token)

    async def record_progress(
        self,
        job_id: JobId,
        progress: JobProgress,
        *,
        expected_version: int,
        at: datetime,
        token: int | None = None,
    ) -> bool:
        stored = self._jobs.get(job_id)
        if stored is None or stored.version != expected_version:
            return False
        if token not in {None, stored.token}:
            return False
        self._jobs[job_id] = replace(stored, progress=progress, progressed_at=at)
        return True

    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        jobs = [job for job in self._jobs.values() if job.phase is phase]
        return sorted(jobs, key=lambda job: (job.changed_at, job.id))[: max(limit, 0)]

    async def held(self, job_ids: Sequence[JobId]) -> dict[JobId, datetime]:
        return {job_id: self._holds[job_id].until for job_id in job_ids if job_id in self._holds}

    async def dead_letters(self, *, limit: int) -> list[JobId]:
        return sorted(self._dead)[: max(limit, 0)]

    async def purge(self, job_id: JobId) -> bool:
        if job_id not in self._dead:
            return False
        self._dead.remove(job_id)
        return True

    def _store(self, job: Job, *, event: str, before: Phase | None, token: int) -> None:
        self._jobs[job.id] = job
        if job.is_dead_letter:
            self._dead.add(job.id)
        elif job.phase is not Phase.FAILED:
            self._dead.discard(job.id)
        at = self._clock.now()
        self.journal.append(job, event=event, before=before, token=token, at=at)


def _shown(job: Job) -> Job:
    return replace(job, source=job.source.shown())
