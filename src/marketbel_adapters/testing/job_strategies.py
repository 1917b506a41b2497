"""Hypothesis strategies for jobs and for what happens to them.

Parts are picked from a few nasty ones rather than made up: a machine draws jobs by the thousand,
and every single choice costs it more than the store does.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.catalog import GivenLayout, SourceRef, SourceType
from marketbel_core.ids import AnalysisId, FileKey, JobId
from marketbel_core.jobs import (
    TRANSITIONS,
    WORKER_KILLED,
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
    Job,
    JobEvent,
    JobProgress,
    LeaseLost,
    Phase,
    Replayed,
    Resubmitted,
    RetryRequested,
)

__all__ = ["JOB_EVENTS", "PROGRESSES", "WAITS", "events_in", "few_job_ids", "jobs"]

_MICROSECOND: Final = timedelta(microseconds=1)

WAITS: Final[st.SearchStrategy[timedelta]] = st.sampled_from(
    [timedelta(), _MICROSECOND, 2 * _MICROSECOND, timedelta(minutes=1), timedelta(days=1)]
)
"""None, a moment or long: equal instants come often."""

PROGRESSES: Final = st.sampled_from(
    [
        JobProgress(),
        JobProgress(download_bytes=7),
        JobProgress(download_bytes=8, download_total=7, items_processed=10, items_total=9),
        JobProgress(items_total=2**53 + 1, matches_found=1, review_queue_count=2, error_count=3),
    ]
)
"""Nothing, a total unknown, more than the total, and more than a double can count."""

_KEYS: Final = st.sampled_from([FileKey("a.csv"), FileKey("")])
_ANALYSES: Final = st.sampled_from([None, AnalysisId("an-analysis"), AnalysisId("")])
_FAILURES: Final = st.sampled_from(
    [
        Failure(code="", message=""),
        Failure(code="http.denied", message="Нет доступа.\n", details=("", '"\\', "None")),
        Failure(code="ml.failed", message="\U0001f384", actor=Actor.ML_ANALYZE),
        Failure(code=WORKER_KILLED, message="It takes workers with it."),
    ]
)
_EVENTS: Final[dict[type[JobEvent], st.SearchStrategy[JobEvent]]] = {
    DownloadStarted: st.just(DownloadStarted()),
    FileStored: st.builds(FileStored, file_key=_KEYS),
    FileSubmitted: st.builds(FileSubmitted, file_key=_KEYS, analysis_id=_ANALYSES),
    ItemsParsed: st.just(ItemsParsed()),
    ItemsMatched: st.just(ItemsMatched()),
    AttemptFailed: st.builds(AttemptFailed, failure=_FAILURES),
    Deferred: st.builds(
        Deferred, failure=_FAILURES, until=WAITS.map(NOW.__add__), is_counted=st.booleans()
    ),
    Resubmitted: st.just(Resubmitted(analysis_id=AnalysisId("another"))),
    RetryRequested: st.just(RetryRequested()),
    Replayed: st.just(Replayed()),
    LeaseLost: st.just(LeaseLost()),
    Cancelled: st.just(Cancelled()),
}

JOB_EVENTS: Final[st.SearchStrategy[JobEvent]] = st.one_of(*_EVENTS.values())
"""Any event, whether it applies or not."""

_EVENTS_BY_PHASE: Final = {
    phase: st.one_of(*(_EVENTS[event] for source, event in TRANSITIONS if source is phase))
    for phase in Phase
}

_FULL: Final = a_full_job()
_BARE: Final = a_job(
    supplier_name="", source=SourceRef(type=SourceType.GOOGLE_SHEETS, location="https://[none")
)


def events_in(phase: Phase) -> st.SearchStrategy[JobEvent]:
    """Return the events that apply in `phase`; nothing applies in `complete`."""
    return _EVENTS_BY_PHASE[phase]


def few_job_ids(count: int) -> st.SearchStrategy[JobId]:
    """Return `count` ids, so that a machine meets the same job again."""
    return st.sampled_from([JobId(UUID(int=number)) for number in range(1, count + 1)])


_LAYOUTS: Final = st.sampled_from(
    [
        None,
        GivenLayout(),
        GivenLayout(header_row=3, characteristic_columns=()),
        GivenLayout(column_mapping={"name": "Товар\n\U0001f384", "price": '"'}, delimiter=";"),
    ]
)


def jobs(*, ids: st.SearchStrategy[JobId]) -> st.SearchStrategy[Job]:
    """Return jobs with one of `ids`, bare or full, likely or not, in any phase."""
    likes = st.sampled_from([_BARE, _FULL])
    return st.builds(_job, likes, ids, st.sampled_from(Phase), WAITS, _LAYOUTS)


def _job(
    like: Job, job_id: JobId, phase: Phase, wait: timedelta, layout: GivenLayout | None
) -> Job:
    source = replace(like.source, layout=layout)
    return replace(like, id=job_id, phase=phase, changed_at=NOW + wait, source=source)
