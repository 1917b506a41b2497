"""What a caller's report means for a job: the event of the transition table that it stands for."""

from dataclasses import replace
from typing import Final, TypedDict, cast

from marketbel_core.errors import IllegalTransitionError, RefusedError
from marketbel_core.jobs import (
    AttemptFailed,
    DownloadStarted,
    Failure,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    Reading,
    RetryRequested,
)

__all__ = ["JobFigures", "event_of", "invalid", "is_count", "progress_of", "target_of"]

_PHASES: Final = {
    **{phase.value: phase for phase in Phase},
    # Words of other versions, as the admin interface has to have them.
    "pending": Phase.DOWNLOADING,
    "extracting": Phase.ANALYZING,
    "normalizing": Phase.MATCHING,
    "completed": Phase.COMPLETE,
    "completed_with_errors": Phase.COMPLETE,
}
_STATUSES: Final = {
    "pending": {Phase.DOWNLOADING},
    "processing": {Phase.DOWNLOADING, Phase.ANALYZING, Phase.MATCHING},
    "completed": {Phase.COMPLETE},
    "failed": {Phase.FAILED},
}


_ENDS: Final = {"completed": Phase.COMPLETE, "failed": Phase.FAILED}


class JobFigures(TypedDict, total=False):
    """What can be told about a job on its way; each a whole number from 0, as in `JobProgress`."""

    download_bytes: int
    download_total: int
    items_processed: int
    items_total: int
    matches_found: int
    review_queue_count: int
    error_count: int


def target_of(
    job: Job, *, phase: str | None, status: str | None, ml_job_id: object, error: str | None
) -> Phase:
    """Return the phase that the caller speaks of.

    Raises:
        RefusedError: a word is unknown, or two contradict each other (`job.invalid`).
    """
    if status is not None and status not in _STATUSES:
        raise invalid(f"status must be one of {', '.join(_STATUSES)}")
    if phase is not None:
        target = _PHASES.get(str(phase).strip().lower())
    elif status in _ENDS:
        target = _ENDS[status]
    elif ml_job_id and job.phase is Phase.DOWNLOADING:
        target = Phase.ANALYZING
    else:
        target = job.phase
    if target is None:
        raise invalid(f"phase must be one of {', '.join(Phase)}")
    if phase is not None and status is not None and target not in _STATUSES[status]:
        raise invalid(f"status {status} does not go with phase {target}: leave the status out")
    if error and target is not Phase.FAILED:
        raise invalid("error goes with phase='failed' and no other")
    return target


def event_of(
    job: Job, target: Phase, *, submitted: FileSubmitted, failure: Failure, begun: bool
) -> JobEvent | None:
    """Return what happened, in the table's words; `None` for nothing but figures.

    Args:
        job: As it is stored.
        target: Where it is now, by the caller's word.
        submitted: What there would be to tell of the file.
        failure: What there would be to tell of a failure; no message, no failure.
        begun: Whether a job that is still downloading has begun to.

    Raises:
        RefusedError: something is missing for that event (`job.invalid`).
        IllegalTransitionError: the job is being read already, under another id.
    """
    if target is Phase.FAILED:
        if job.phase is not Phase.FAILED and not failure.message:
            raise invalid("error is missing: say why the attempt failed")
        return AttemptFailed(failure=failure) if failure.message else None
    if target is job.phase:
        _check_same_reading(job, submitted)
        begins = begun and target is Phase.DOWNLOADING and job.started_at is None
        return DownloadStarted() if begins else None
    match target:
        case Phase.DOWNLOADING:
            return RetryRequested()
        case Phase.ANALYZING:
            return _checked(job, submitted)
        case Phase.MATCHING:
            return ItemsParsed()
        case Phase.COMPLETE:
            return ItemsMatched()


def _checked(job: Job, submitted: FileSubmitted) -> FileSubmitted:
    if job.phase is Phase.DOWNLOADING:  # elsewhere the table refuses, and says why
        if job.reading is Reading.ML and submitted.analysis_id is None:
            raise invalid("phase='analyzing' needs ml_job_id, by which ml-analyze is asked")
        if job.reading is Reading.LOCAL and submitted.analysis_id is not None:
            raise invalid("the worker reads this file itself: it has no ml_job_id")
        if job.reading is Reading.LOCAL and not submitted.file_key:
            raise invalid("phase='analyzing' needs file_path, for the worker reads this file")
    return submitted


def _check_same_reading(job: Job, submitted: FileSubmitted) -> None:
    if submitted.analysis_id not in {None, job.analysis_id}:
        raise IllegalTransitionError(
            job_id=job.id, phase=job.phase, event=f"another ml_job_id than {job.analysis_id}"
        )


def progress_of(job: Job, figures: dict[str, object]) -> JobProgress:
    """Return the job's progress with new figures.

    Raises:
        RefusedError: a figure is unknown or no whole number from 0 (`job.invalid`).
    """
    known = JobFigures.__annotations__
    unknown = sorted(figures.keys() - known)
    if unknown:
        raise invalid(
            f"{', '.join(unknown)} cannot be set: the job keeps the rest itself, and figures are "
            f"{', '.join(known)}"
        )
    wrong = [name for name, figure in figures.items() if not is_count(figure)]
    if wrong:
        raise invalid(f"{', '.join(wrong)} must be a whole number from 0")
    return replace(job.progress, **cast("dict[str, int]", figures))


def is_count(value: object) -> bool:
    """Tell whether the value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def invalid(message: str) -> RefusedError:
    """Return the error for a value that cannot be used."""
    return RefusedError("job.invalid", message)
