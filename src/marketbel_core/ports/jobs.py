"""Where jobs are kept, and rights that expire."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, JobProgress, Phase

__all__ = ["JobStore", "Lease", "Leases"]


@runtime_checkable
class JobStore(Protocol):
    """Keeps jobs, one version each, safe against two workers saving at once.

    Contract: `marketbel_adapters.testing.jobs`. Every method may raise `UnavailableError`; the
    others that it raises are listed with it.
    """

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Store a job seen for the first time. Adding a stored id again changes nothing."""

    @abstractmethod
    async def get(self, job_id: JobId) -> Job:
        """Return the job as it was last saved, with its latest progress.

        Raises:
            JobNotFoundError: nothing is stored under `job_id`.
        """

    @abstractmethod
    async def save(self, job: Job, *, expected_version: int) -> None:
        """Replace the stored job, progress included, if it is still at `expected_version`.

        Raises:
            JobNotFoundError: nothing is stored under the job's id.
            StaleJobError: the stored version is another one; nothing was written.
        """

    @abstractmethod
    async def record_progress(
        self, job_id: JobId, progress: JobProgress, *, expected_version: int
    ) -> bool:
        """Replace the progress figures alone if the job is still at `expected_version`.

        No transition, no new version. Return whether anything was written: an unknown job or
        another version writes nothing, and a late figure is no error.
        """

    @abstractmethod
    async def list_in(self, phase: Phase, *, limit: int) -> list[Job]:
        """Return up to `limit` jobs in `phase`, the longest unchanged first, then by id."""


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
