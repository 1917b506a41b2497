"""Where jobs are kept and claimed, what happened to them, and rights that expire."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from marketbel_core.catalog import SourceRef
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import Job, JobEvent, JobProgress, Phase

__all__ = [
    "JobArchive",
    "JobHolds",
    "JobJournal",
    "JobStore",
    "JournalEntry",
    "Lease",
    "Leases",
    "Renewal",
]


class Renewal(StrEnum):
    """What became of the attempt to keep a job."""

    HELD = "held"  # prolonged
    ENDED = "ended"  # the job has ended or was given back by its holder: nothing is held
    LOST = "lost"  # somebody has claimed it since


@runtime_checkable
class JobStore(Protocol):
    """Keeps jobs, one version each, and lends each to one worker at a time.

    Contract: `marketbel_adapters.testing.jobs`. Time is the adapter's own (the server's, where
    there is one). A writer names the job as it has read it: a version or a fencing token that is
    no longer the stored one is refused, and so is a change of phase that is not in `TRANSITIONS`.
    Each addition, claim, loss and transition is appended to the journal by the same atomic step.
    Addresses are kept without query and credentials (`shown_location`); the whole one is in the
    `JobArchive`. Every method may raise `UnavailableError`; the others that it raises are listed
    with it.
    """

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Store a job seen for the first time. Adding a stored id again changes nothing."""

    @abstractmethod
    async def add_all(self, jobs: Sequence[Job]) -> frozenset[JobId]:
        """Store each job as `add` does; return those whose ids were stored already.

        Raises:
            UnavailableError: the store cannot be reached; some may have been added.
        """

    @abstractmethod
    async def get(self, job_id: JobId) -> Job:
        """Return the job as it was last saved, with its latest progress.

        Raises:
            JobNotFoundError: nothing is stored under `job_id`.
        """

    @abstractmethod
    async def claim(self, job_id: JobId, *, duration: timedelta) -> Job | None:
        """Return the job with a fresh token, held for `duration`; its version stays.

        `None` while somebody's lease on it has not expired, and when the job has ended. An expired
        lease counts as a delivery lost.

        Raises:
            JobNotFoundError: nothing is stored under `job_id`.
        """

    @abstractmethod
    async def renew(self, job: Job, *, duration: timedelta) -> Renewal:
        """Prolong the lease that `job.token` stands for, to `duration` from now.

        One that has expired is prolonged as well, as long as nobody has claimed the job since.
        """

    @abstractmethod
    async def release(self, job: Job) -> bool:
        """Give the job back; return whether `job.token` still held it."""

    @abstractmethod
    async def reap(self, *, limit: int) -> list[Job]:
        """Take up to `limit` active jobs from holders whose leases have expired (`LeaseLost`).

        Return them as they are stored now. Two reapers at once take each job once.
        """

    @abstractmethod
    async def save(self, job: Job, *, read: Job, event: type[JobEvent]) -> None:
        """Replace the stored job, progress included, if it is still as `read`.

        The lease stays with its holder; it ends with the job, with a retry and with `LeaseLost`.

        Args:
            job: As it is to be stored: `read` after `event`.
            read: As it was read; version and token count.
            event: What happened, for the journal.

        Raises:
            JobNotFoundError: nothing is stored under the job's id.
            StaleJobError: the stored version or token is another one; nothing was written.
            IllegalTransitionError: the stored phase does not lead to the new one.
        """

    @abstractmethod
    async def record_progress(
        self,
        job_id: JobId,
        progress: JobProgress,
        *,
        expected_version: int,
        at: datetime,
        token: int | None = None,
    ) -> bool:
        """Replace the progress figures alone if the job is still at `expected_version`.

        No transition, no new version; `at` becomes `progressed_at`. Return whether anything was
        written: an unknown job or another version writes nothing, and a late figure is no error.
        A holder names its `token` as well: a claim alone leaves the version as it was. `None` is
        for those who hold nothing.
        """

    @abstractmethod
    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        """Return up to `limit` jobs in `phase`, the longest unchanged first, then by id."""

    @abstractmethod
    async def held(self, job_ids: Sequence[JobId]) -> dict[JobId, datetime]:
        """Return those of the jobs that somebody holds, and until when (expired ones included)."""

    @abstractmethod
    async def dead_letters(self, *, limit: int) -> list[JobId]:
        """Return up to `limit` jobs that failed for good (`Job.is_dead_letter`), sorted."""

    @abstractmethod
    async def purge(self, job_id: JobId) -> bool:
        """Take a job off the dead letters; return whether it was among them. The job stays."""


@runtime_checkable
class JobHolds(Protocol):
    """Holds jobs for as long as a step works on them."""

    @abstractmethod
    def hold(self, job_id: JobId) -> AbstractAsyncContextManager[Job | None]:
        """Return the job, claimed, and its lease kept alive while the block runs.

        It is given back when the block ends, however it ends. The block gets `None` when somebody
        else holds the job or it has ended; it is broken off with `StaleJobError` when somebody
        else has claimed the job meanwhile.

        Raises:
            JobNotFoundError: nothing is stored under `job_id`.
            UnavailableError: the store cannot be reached.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of the journal of all jobs.

    Attributes:
        position: The journal's own name for the line; later lines have greater ones.
        at: The server's instant (aware, UTC).
        event: `Created`, `Claimed` or the name of a `JobEvent`.
        before: The phase before; `None` for a job seen for the first time.
        token: The token under which it was written.
        job: As it was stored by it.
    """

    position: str
    at: datetime
    event: str
    before: Phase | None
    token: int
    job: Job


@runtime_checkable
class JobJournal(Protocol):
    """What happened to jobs, in order, until it has been archived."""

    @abstractmethod
    async def read(self, *, limit: int) -> list[JournalEntry]:
        """Return up to `limit` of the oldest lines."""

    @abstractmethod
    async def trim(self, *, through: str) -> None:
        """Forget the lines up to the position `through`, that one included."""


@runtime_checkable
class JobArchive(Protocol):
    """The durable memory of jobs: from it they are rebuilt when the store has lost them.

    Contract: `marketbel_adapters.testing.archive`. Every method may raise `UnavailableError`; one
    that returns jobs raises `ProtocolError` (`archive.corrupt`) when a kept one cannot be read.
    """

    @abstractmethod
    async def record(self, job: Job) -> None:
        """Keep a new job, its whole address included.

        One that is kept already stays as it is; only an address that was known shortened is
        completed (`SourceRef.completed_by`).
        """

    @abstractmethod
    async def record_all(self, jobs: Sequence[Job]) -> None:
        """Keep each of the jobs, which have ids of their own, as `record` does: all or none."""

    @abstractmethod
    async def apply(self, entries: Sequence[JournalEntry]) -> None:
        """Keep the lines, each position once, and each job as its newest line says.

        All of them or none. A line is out of date when its position is lower than that of the
        line which the job comes from, and its version and token are lower, too. An address that
        is known whole stays so; a job that nobody recorded is kept with that of its lines.
        """

    @abstractmethod
    async def source_of(self, job_id: JobId) -> SourceRef | None:
        """Return the job's source with its whole address; `None` for an unknown job.

        It is shortened still when nobody has recorded the whole one.
        """

    @abstractmethod
    async def unfinished(self, *, limit: int, after: JobId | None = None) -> list[Job]:
        """Return up to `limit` active jobs with ids above `after`, sorted by id."""

    @abstractmethod
    async def busy_suppliers(self) -> frozenset[SupplierId]:
        """Return the suppliers that have an active job."""

    @abstractmethod
    async def history(self, job_id: JobId, *, limit: int) -> list[JournalEntry]:
        """Return up to `limit` of the job's newest lines, oldest first, addresses shortened."""

    @abstractmethod
    async def forget(self, *, before: datetime, limit: int) -> int:
        """Forget up to `limit` of the lines older than `before`; return how many. Jobs stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A right that lasts until an instant.

    Attributes:
        name: What it is a right to.
        token: Fencing token: higher than that of every earlier lease of this name, from 1.
        expires_at: The right is lost at this instant (aware, UTC).
    """

    name: str
    token: int
    expires_at: datetime


@runtime_checkable
class Leases(Protocol):
    """Grants each named right to one holder at a time. Contract: `…testing.leases`.

    Time is the adapter's own (the server's, where there is one), so that workers whose clocks
    differ agree.
    """

    @abstractmethod
    async def acquire(self, name: str, *, duration: timedelta) -> Lease | None:
        """Return a fresh lease, or `None` while somebody else's has not expired."""

    @abstractmethod
    async def renew(self, lease: Lease, *, duration: timedelta) -> Lease | None:
        """Return the lease prolonged by `duration` from now; `None` when it was lost."""

    @abstractmethod
    async def release(self, lease: Lease) -> bool:
        """Give the right back; return whether it was still held."""
