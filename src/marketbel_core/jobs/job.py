"""The ingestion job, and the one function that moves it along the table of transitions.

A job is one supplier file's journey; delivering the same step twice is normal, so every writer
names the version and the token that it read, and the store refuses the second of two.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import IllegalTransitionError, SupplierNotFoundError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId
from marketbel_core.jobs.events import (
    TRANSITIONS,
    Actor,
    AttemptFailed,
    Cancelled,
    Deferred,
    DownloadStarted,
    Failure,
    FileStored,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    JobEvent,
    LeaseLost,
    Phase,
    Replayed,
    Resubmitted,
    RetryRequested,
)

__all__ = [
    "WORKER_KILLED",
    "Job",
    "JobProgress",
    "Reading",
    "advance",
    "choose_reading",
    "claimed",
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

_CANCELLED: Final = Failure(
    code="job.cancelled",
    message="A person called the job off; retry it to start again.",
    actor=Actor.PERSON,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One supplier file's journey.

    Attributes:
        attempt: From 1; a retry adds one.
        attempts_max: The last attempt that is allowed, at least 1.
        generation: From 1; a replayed dead letter adds one and begins at attempt 1 again.
        deliveries: How many workers vanished while they held the job in this phase, from 0.
        deferrals: How many automatic tries this phase has used up, from 0.
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


def advance(job: Job, event: JobEvent, *, now: datetime) -> Job:
    """Return `job` after `event`; `job` itself is not changed.

    Args:
        job: The job as it was read.
        event: What happened.
        now: The instant of the transition (aware, UTC).

    Raises:
        IllegalTransitionError: the event does not apply in the job's phase, or a retry was
            requested after the last allowed attempt.
    """
    target = TRANSITIONS.get((job.phase, type(event)))
    out_of_attempts = isinstance(event, RetryRequested) and not job.can_retry
    if target is None or out_of_attempts:
        raise IllegalTransitionError(job_id=job.id, phase=job.phase, event=type(event).__name__)
    moved = replace(
        job, phase=target, version=job.version + 1, changed_at=now, actor=_actor(job, event)
    )
    if target is not job.phase:  # what was counted, was counted for the phase
        moved = replace(moved, deliveries=0, deferrals=0, progressed_at=None)
    if not isinstance(event, LeaseLost):
        moved = replace(moved, not_before=None, deferred_by=None)
    return _effect(moved, event)


def _effect(job: Job, event: JobEvent) -> Job:
    match event:
        case ItemsMatched() | AttemptFailed() | Cancelled():
            return replace(job, completed_at=job.changed_at, failure=_failure(event))
        case RetryRequested():
            return replace(_anew(job), attempt=job.attempt + 1)
        case Replayed():
            return replace(_anew(job), attempt=1, generation=job.generation + 1)
        case _:
            return _on_the_way(job, event)


def _failure(event: ItemsMatched | AttemptFailed | Cancelled) -> Failure | None:
    match event:
        case ItemsMatched():
            return None
        case AttemptFailed(failure=failure):
            return failure
        case Cancelled():
            return _CANCELLED


def _on_the_way(  # noqa: PLR0911 - one a case
    job: Job,
    event: DownloadStarted
    | FileStored
    | FileSubmitted
    | ItemsParsed
    | Deferred
    | Resubmitted
    | LeaseLost,
) -> Job:
    match event:
        case DownloadStarted():
            return replace(job, started_at=job.changed_at)
        case FileStored(file_key=file_key):
            return replace(job, file_key=file_key)
        case FileSubmitted(file_key=file_key, analysis_id=analysis_id):
            return replace(job, file_key=file_key, analysis_id=analysis_id)
        case ItemsParsed():
            return job
        case Deferred(failure=failure, until=until, is_counted=is_counted):
            deferrals = job.deferrals + is_counted
            return replace(job, deferrals=deferrals, not_before=until, deferred_by=failure)
        case Resubmitted(analysis_id=analysis_id):
            return replace(job, analysis_id=analysis_id, resubmissions=job.resubmissions + 1)
        case LeaseLost():
            return replace(job, deliveries=job.deliveries + 1, token=job.token + 1)


def _anew(job: Job) -> Job:
    return replace(
        job,
        token=job.token + 1,
        analysis_id=None,
        failure=None,
        progress=JobProgress(),
        resubmissions=0,
        started_at=None,
        completed_at=None,
    )


def claimed(job: Job, *, lost: bool) -> Job:
    """Return `job` as the worker gets it that claims it: with a token that outdoes all others.

    Args:
        job: As it is stored; active, and held by nobody.
        lost: Whether an earlier holder let its lease run out: a delivery is counted, no attempt.
    """
    return replace(job, token=job.token + 1, deliveries=job.deliveries + lost)


def _actor(job: Job, event: JobEvent) -> Actor:
    match event:
        case AttemptFailed(failure=failure):
            return failure.actor
        case Deferred(failure=failure):
            return failure.actor
        case Cancelled():
            return Actor.PERSON
        case FileSubmitted() | ItemsParsed() | ItemsMatched() | Resubmitted():
            return Actor.ML_ANALYZE if job.reading is Reading.ML else Actor.COURIER
        case DownloadStarted() | FileStored() | RetryRequested() | Replayed() | LeaseLost():
            return Actor.COURIER


def choose_reading(*, local_asked: bool, supplier_wish: bool | None, ml_enabled: bool) -> Reading:
    """Return who reads: ml-analyze, unless the caller, the supplier or the deployment says no."""
    if local_asked or not ml_enabled or supplier_wish is False:
        return Reading.LOCAL
    return Reading.ML
