"""What may happen to a job, and where it leads: the one table of transitions.

The table is the whole machine. A transition that is not in it does not exist.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from marketbel_core.ids import AnalysisId, FileKey

__all__ = [
    "EVENT_SUMMARIES",
    "PHASE_PARAGRAPHS",
    "TRANSITIONS",
    "Actor",
    "AttemptFailed",
    "Cancelled",
    "Deferred",
    "DownloadStarted",
    "Failure",
    "FileStored",
    "FileSubmitted",
    "ItemsMatched",
    "ItemsParsed",
    "JobEvent",
    "LeaseLost",
    "Phase",
    "Replayed",
    "Resubmitted",
    "RetryRequested",
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
class DownloadStarted:
    """A worker began to fetch the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStored:
    """The file rests in the file store: further tries need not fetch it again."""

    file_key: FileKey


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
class Deferred:
    """The step met trouble that time may cure; it is to be tried again.

    Attributes:
        failure: What the trouble was.
        until: Not before this instant.
        is_counted: Whether it uses up one of the attempt's tries. Waiting for a neighbour
            that is known to be away, or for another worker, does not.
    """

    failure: Failure
    until: datetime
    is_counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubmitted:
    """The analyzer had forgotten the reading and was handed the file once more."""

    analysis_id: AnalysisId


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested:
    """A further attempt was asked for by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A dead letter was taken up again by a person: its attempts are counted anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost:
    """The worker that held the job vanished; the next delivery gets a higher fencing token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A person called the job off; it can be retried."""


type JobEvent = (
    DownloadStarted
    | FileStored
    | FileSubmitted
    | ItemsParsed
    | ItemsMatched
    | AttemptFailed
    | Deferred
    | Resubmitted
    | RetryRequested
    | Replayed
    | LeaseLost
    | Cancelled
)

TRANSITIONS: Final[dict[tuple[Phase, type[JobEvent]], Phase]] = {
    (Phase.DOWNLOADING, DownloadStarted): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, FileStored): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, FileSubmitted): Phase.ANALYZING,
    (Phase.DOWNLOADING, AttemptFailed): Phase.FAILED,
    (Phase.DOWNLOADING, Deferred): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, LeaseLost): Phase.DOWNLOADING,
    (Phase.DOWNLOADING, Cancelled): Phase.FAILED,
    (Phase.ANALYZING, ItemsParsed): Phase.MATCHING,
    (Phase.ANALYZING, AttemptFailed): Phase.FAILED,
    (Phase.ANALYZING, Deferred): Phase.ANALYZING,
    (Phase.ANALYZING, Resubmitted): Phase.ANALYZING,
    (Phase.ANALYZING, LeaseLost): Phase.ANALYZING,
    (Phase.ANALYZING, Cancelled): Phase.FAILED,
    (Phase.MATCHING, ItemsMatched): Phase.COMPLETE,
    (Phase.MATCHING, AttemptFailed): Phase.FAILED,
    (Phase.MATCHING, Deferred): Phase.MATCHING,
    (Phase.MATCHING, LeaseLost): Phase.MATCHING,
    (Phase.MATCHING, Cancelled): Phase.FAILED,
    (Phase.FAILED, RetryRequested): Phase.DOWNLOADING,
    (Phase.FAILED, Replayed): Phase.DOWNLOADING,
}

EVENT_SUMMARIES: Final[dict[type[JobEvent], str]] = {
    DownloadStarted: "a worker begins",
    FileStored: "file stored",
    FileSubmitted: "file handed over",
    ItemsParsed: "items in the catalogue",
    ItemsMatched: "matched, aggregates followed",
    AttemptFailed: "the attempt ends",
    Deferred: "to be tried again later",
    Resubmitted: "handed over once more",
    RetryRequested: "attempt + 1",
    Replayed: "dead letter: attempts anew",
    LeaseLost: "worker vanished: delivery + 1",
    Cancelled: "called off",
}
