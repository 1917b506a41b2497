"""The ingestion job: its phases, its events and the one function that moves it.

The table below is the whole machine. A transition that is not in it does not exist. A job is one
supplier file's journey; delivering the same step twice is normal, so every writer names the
version that it read, and the store refuses the second of two.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from marketbel_core.catalog import SourceRef
from marketbel_core.errors import IllegalTransitionError
from marketbel_core.ids import AnalysisId, FileKey, JobId, SupplierId

__all__ = [
    "EVENT_SUMMARIES",
    "PHASE_PARAGRAPHS",
    "TRANSITIONS",
    "Actor",
    "AttemptFailed",
    "Cancelled",
    "DownloadStarted",
    "Failure",
    "FileSubmitted",
    "ItemsMatched",
    "ItemsParsed",
    "Job",
    "JobEvent",
    "JobProgress",
    "LeaseLost",
    "Phase",
    "Reading",
    "RetryRequested",
    "advance",
    "choose_reading",
    "new_job",
]


class Phase(StrEnum):
    """Where a job stands; the five words that the admin interface knows."""

    DOWNLOADING = "downloading"
    ANALYZING = "analyzing"
    MATCHING = "matching"
    COMPLETE = "complete"
    FAILED = "failed"


PHASE_PARAGRAPHS: Final[dict[Phase, str]] = {
    Phase.DOWNLOADING: (
        "The courier owns the job: the file is being fetched, stored and handed to whoever reads "
        "it. Every new job starts here, and so does every further attempt of a failed one."
    ),
    Phase.ANALYZING: (
        "The file is being read, by ml-analyze (the polling round asks how far it is) or here "
        "(the import step reads it). A reading that is older than it may be and whose figures "
        "stand still from one round to the next fails as stalled."
    ),
    Phase.MATCHING: (
        "The items are in the catalogue; the supplier's whole backlog is being matched and the "
        "products that it touches get their lowest price anew."
    ),
    Phase.COMPLETE: (
        "Items are matched and aggregates follow them. Final: nothing leaves this phase."
    ),
    Phase.FAILED: (
        "An attempt ended, with a code, a sentence and who erred. A retry takes the job back to "
        "downloading while attempts are left; without any it stays here for a person."
    ),
}


class Reading(StrEnum):
    """Who reads the file of a job."""

    ML = "ml"  # ml-analyze, over HTTP
    LOCAL = "local"  # this package


class Actor(StrEnum):
    """Who caused a transition; not who wrote it down: only the worker writes."""

    COURIER = "python-ingestion"
    ML_ANALYZE = "ml-analyze"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt ended.

    Attributes:
        code: Stable, for machines: `http.denied`.
        message: One sentence for people, with the cure where there is one.
        actor: Who erred.
        details: Further sentences, for example the analyzer's own errors.
    """

    code: str
    message: str
    actor: Actor = Actor.COURIER
    details: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadStarted:
    """A worker began to fetch the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSubmitted:
    """The file is stored and handed over for reading.

    Attributes:
        file_key: Where it rests.
        analysis_id: The analyzer's name for the reading; `None` when it is read here.
    """

    file_key: FileKey
    analysis_id: AnalysisId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsParsed:
    """The reading ended and its items are in the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsMatched:
    """No item of the supplier is left unmatched, and the aggregates have followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """The attempt ended without success."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested:
    """A further attempt was asked for, by a person or by the retry policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost:
    """The worker that held the job vanished; the next delivery gets a higher fencing token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A person called the job off; it can be retried."""


type JobEvent = (
    DownloadStarted
    | FileSubmitted
    | ItemsParsed
    | ItemsMatched
    | AttemptFailed
    | RetryRequested
    | LeaseLost
    | Cancelled
)

TRANSITIONS: Final[dict[tuple[Phase, type[JobEvent]], Phase]] = {
    (Phase.DOWNLOADING, DownloadStarted): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, FileSubmitted): Phase.ANALYZING,
    (Phase.DOWNLOADING, AttemptFailed): Phase.FAILED,
    (Phase.DOWNLOADING, LeaseLost): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, Cancelled): Phase.FAILED,
    (Phase.ANALYZING, ItemsParsed): Phase.MATCHING,
    (Phase.ANALYZING, AttemptFailed): Phase.FAILED,
    (Phase.ANALYZING, LeaseLost): Phase.ANALYZING,
    (Phase.ANALYZING, Cancelled): Phase.FAILED,
    (Phase.MATCHING, ItemsMatched): Phase.COMPLETE,
    (Phase.MATCHING, AttemptFailed): Phase.FAILED,
    (Phase.MATCHING, LeaseLost): Phase.MATCHING,
    (Phase.MATCHING, Cancelled): Phase.FAILED,
    (Phase.FAILED, RetryRequested): Phase.DOWNLOADING,
}

EVENT_SUMMARIES: Final[dict[type[JobEvent], str]] = {
    DownloadStarted: "a worker begins",
    FileSubmitted: "file stored and handed over",
    ItemsParsed: "items in the catalogue",
    ItemsMatched: "matched, aggregates followed",
    AttemptFailed: "the attempt ends",
    RetryRequested: "attempt + 1",
    LeaseLost: "worker vanished: delivery + 1",
    Cancelled: "called off",
}

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
        deliveries: How often a vanished worker's job was handed out again, from 0.
        token: Fencing token; a writer with a lower one has lost its lease.
        version: From 0, plus one at each transition.
        actor: Who caused the last transition.
        created_at: Kept over retries (aware, UTC, like the other instants).
        changed_at: The last transition.
        started_at: When the present attempt's download began.
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
    deliveries: int = 0
    token: int = 0
    version: int = 0
    file_key: FileKey | None = None
    analysis_id: AnalysisId | None = None
    failure: Failure | None = None
    progress: JobProgress = JobProgress()
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.attempt <= self.attempts_max:
            raise ValueError(f"attempt must be 1 to {self.attempts_max}, got {self.attempt}")

    @property
    def can_retry(self) -> bool:
        """Whether an attempt is left, whatever the phase."""
        return self.attempt < self.attempts_max

    @property
    def is_active(self) -> bool:
        """Whether the job is still on its way."""
        return self.phase not in {Phase.COMPLETE, Phase.FAILED}


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


def advance(job: Job, event: JobEvent, *, now: datetime) -> Job:  # noqa: PLR0911 - one a case
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
    match event:
        case DownloadStarted():
            return replace(moved, started_at=now)
        case FileSubmitted(file_key=file_key, analysis_id=analysis_id):
            return replace(moved, file_key=file_key, analysis_id=analysis_id)
        case ItemsMatched():
            return replace(moved, completed_at=now)
        case AttemptFailed(failure=failure):
            return replace(moved, failure=failure, completed_at=now)
        case Cancelled():
            return replace(moved, failure=_CANCELLED, completed_at=now)
        case RetryRequested():
            return _next_attempt(moved)
        case LeaseLost():
            return replace(moved, deliveries=job.deliveries + 1, token=job.token + 1)
        case ItemsParsed():
            return moved


def _next_attempt(job: Job) -> Job:
    return replace(
        job,
        attempt=job.attempt + 1,
        token=job.token + 1,
        analysis_id=None,
        failure=None,
        progress=JobProgress(),
        started_at=None,
        completed_at=None,
    )


def _actor(job: Job, event: JobEvent) -> Actor:
    match event:
        case AttemptFailed(failure=failure):
            return failure.actor
        case Cancelled():
            return Actor.PERSON
        case FileSubmitted() | ItemsParsed() | ItemsMatched():
            return Actor.ML_ANALYZE if job.reading is Reading.ML else Actor.COURIER
        case DownloadStarted() | RetryRequested() | LeaseLost():
            return Actor.COURIER


def choose_reading(*, local_asked: bool, supplier_wish: bool | None, ml_enabled: bool) -> Reading:
    """Return who reads: ml-analyze, unless the caller, the supplier or the deployment says no."""
    if local_asked or not ml_enabled or supplier_wish is False:
        return Reading.LOCAL
    return Reading.ML
