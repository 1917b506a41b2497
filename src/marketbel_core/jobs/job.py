"""The ingestion job: one supplier file's journey, and what can be told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import SupplierNotFoundError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.jobs.events import Actor, Failure, Phase

__all__ = [
    "WORKER_KILLED",
    "Job",
    "JobProgress",
    "Reading",
    "choose_reading",
    "new_job",
]


class Reading(StrEnum):
    """Who reads the file of a job."""

    ML = "ml"  # ml-analyze, over HTTP
    LOCAL = "local"  # this package


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """Figures for people. They never decide anything, and a lost update costs nothing.

    Attributes:
        download_bytes: Bytes fetched so far.
        download_total: Bytes announced by the source; 0 means unknown.
        items_processed: Rows read so far.
        items_total: Rows to read; 0 means unknown.
        matches_found: Items linked to a known product.
        review_queue_count: Items that wait for a person.
        error_count: Rows rejected.
    """

    download_bytes: int = 0
    download_total: int = 0
    items_processed: int = 0
    items_total: int = 0
    matches_found: int = 0
    review_queue_count: int = 0
    error_count: int = 0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")


_DEATHS_SHARED_MAX: Final = 2
"""Workers lost beside other work: any of it may have been the cause."""

_DEATHS_ALONE_MAX: Final = 3
"""Workers lost with nothing beside it: this job is the cause."""

WORKER_KILLED: Final = "job.worker_killed"
"""The failure's code of a job that took one worker after the other with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One supplier file's journey.

    Attributes:
        attempt: From 1; a retry adds one.
        attempts_max: The last attempt that is allowed, at least 1.
        generation: From 1; a replayed dead letter adds one and begins at attempt 1 again.
        deliveries: How many workers vanished while they held the job in this phase, from 0.
        deferrals: How many automatic tries the attempt has used up, from 0.
        waits: How often the step was deferred in this phase without using up a try, from 0.
        not_before: When the deferred step is to be tried again; `None` when nothing is deferred.
        deferred_by: The trouble that it was deferred for.
        resubmissions: How often the analyzer was handed the file again in this attempt, from 0.
        token: Fencing token, plus one at each claim; a writer with a lower one has lost its lease.
        version: From 0, plus one at each transition.
        actor: Who caused the last transition.
        created_at: Kept over retries (aware, UTC, like the other instants).
        changed_at: The last transition.
        started_at: When the present attempt's download began.
        progressed_at: When the figures last changed in this phase; `None` when they have not.
        completed_at: When the job became complete or failed.
    """

    id: JobId
    supplier_id: SupplierId
    supplier_name: str
    source: SourceRef
    reading: Reading
    created_at: datetime
    changed_at: datetime
    phase: Phase = Phase.DOWNLOADING
    actor: Actor = Actor.COURIER
    attempt: int = 1
    attempts_max: int = 4
    generation: int = 1
    deliveries: int = 0
    deferrals: int = 0
    waits: int = 0
    not_before: datetime | None = None
    deferred_by: Failure | None = None
    resubmissions: int = 0
    token: int = 0
    version: int = 0
    file_key: FileKey | None = None
    analysis_id: AnalysisId | None = None
    failure: Failure | None = None
    progress: JobProgress = JobProgress()
    started_at: datetime | None = None
    progressed_at: datetime | None = None
    completed_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.attempt <= self.attempts_max:
            raise ValueError(f"attempt must be 1 to {self.attempts_max}, got {self.attempt}")

    @property
    def can_retry(self) -> bool:
        """Whether an attempt is left, whatever the phase, and there is still a supplier."""
        gone = self.failure is not None and self.failure.code == SupplierNotFoundError.code
        return self.attempt < self.attempts_max and not gone

    @property
    def is_active(self) -> bool:
        """Whether the job is still on its way."""
        return self.phase not in {Phase.COMPLETE, Phase.FAILED}

    @property
    def delivery(self) -> int:
        """The number of the next delivery of the phase's step, from 0: each has a name of its own,
        so that the queue does not take it for the one that is just ending.
        """
        return self.deliveries + self.deferrals + self.waits

    @property
    def runs_alone(self) -> bool:
        """Whether it took so many workers with it that nothing else may run beside it."""
        return self.deliveries >= _DEATHS_SHARED_MAX

    @property
    def kills_workers(self) -> bool:
        """Whether it took workers with it even when nothing else ran beside it: enough of it."""
        return self.deliveries >= _DEATHS_SHARED_MAX + _DEATHS_ALONE_MAX

    @property
    def is_dead_letter(self) -> bool:
        """Whether the job failed for good and waits for a person."""
        if self.phase is not Phase.FAILED or self.failure is None:
            return False
        if self.failure.actor is Actor.PERSON:
            return False
        return self.failure.code == WORKER_KILLED or not self.can_retry


def new_job(
    job_id: JobId,
    *,
    supplier_id: SupplierId,
    supplier_name: str,
    source: SourceRef,
    reading: Reading,
    now: datetime,
    attempts_max: int = 4,
) -> Job:
    """Return a job that nobody has begun yet."""
    return Job(
        id=job_id,
        supplier_id=supplier_id,
        supplier_name=supplier_name,
        source=source,
        reading=reading,
        created_at=now,
        changed_at=now,
        attempts_max=attempts_max,
    )


def choose_reading(*, local_asked: bool, supplier_wish: bool | None, ml_enabled: bool) -> Reading:
    """Return who reads: ml-analyze, unless the caller, the supplier or the deployment says no."""
    if local_asked or not ml_enabled or supplier_wish is False:
        return Reading.LOCAL
    return Reading.ML
