"""The one function that moves a job along the table of transitions.

Delivering the same step twice is normal, so every writer names the version and the token that it
read, and the store refuses the second of two.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from marketbel_core.errors import IllegalTransitionError
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
    Replayed,
    Resubmitted,
    RetryRequested,
)
from marketbel_core.jobs.job import Job, JobProgress, Reading

__all__ = ["advance", "claimed", "put_back"]

_TOKENS_SKIPPED: Final = 1_000_000
"""More claims than the journal's last lines, lost with the store, can have told of."""

_CANCELLED: Final = Failure(
    code="job.cancelled",
    message="A person called the job off; retry it to start again.",
    actor=Actor.PERSON,
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
        moved = replace(moved, deliveries=0, waits=0, progressed_at=None)
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
            waiting = replace(job, not_before=until, deferred_by=failure)
            if is_counted:
                return replace(waiting, deferrals=job.deferrals + 1)
            return replace(waiting, waits=job.waits + 1)
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
        deferrals=0,
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


def put_back(job: Job, *, now: datetime) -> Job:
    """Return an unfinished job as it goes on after the store has lost it.

    Its token outdoes that of every worker of before, even of claims that nobody remembers: those
    find their writes refused. The phase's time begins anew, and so does the name of its step, for
    the outage was nobody's fault; no attempt and no delivery is counted.

    Args:
        job: As it was last known.
        now: Aware, UTC.
    """
    return replace(
        job,
        token=job.token + _TOKENS_SKIPPED,
        waits=job.waits + 1,
        changed_at=now,
        progressed_at=None,
    )


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
