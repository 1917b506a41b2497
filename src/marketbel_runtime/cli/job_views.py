"""Jobs as the command line shows them: texts for people, plain values for programs."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from marketbel_adapters.job_snapshot import readable
from marketbel_core.catalog import GivenLayout, SourceRef
from marketbel_core.jobs import Failure, Job, JobProgress, Phase
from marketbel_core.ports import JournalEntry
from marketbel_core.use_cases import step_of

__all__ = [
    "HISTORY_HEADS",
    "JOB_HEADS",
    "duration_text",
    "history_cells",
    "history_told",
    "instant_text",
    "job_cells",
    "job_told",
    "told",
    "waits_for",
]

JOB_HEADS: Final = (
    *("JOB", "SUPPLIER", "PHASE", "ATTEMPT", "GENERATION", "LOST", "UNCHANGED", "HELD"),
    *("DEFERRED", "FAILURE"),
)
HISTORY_HEADS: Final = ("AT", "EVENT", "PHASE", "ATTEMPT", "TOKEN", "VERSION", "WHY")
_NOTHING: Final = "-"
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def job_cells(job: Job, *, held_until: datetime | None, now: datetime) -> tuple[str, ...]:
    """Return a line of the table under `JOB_HEADS`."""
    return (
        str(job.id),
        job.supplier_name,
        job.phase,
        f"{job.attempt}/{job.attempts_max}",
        str(job.generation),
        str(job.deliveries),
        duration_text(now - job.changed_at),
        _held(held_until, now=now),
        _deferred(job, now=now),
        job.failure.code if job.failure else _NOTHING,
    )


def job_told(job: Job, *, held_until: datetime | None, now: datetime) -> dict[str, object]:
    """Return what a listing tells programs of a job."""
    return {
        "job_id": str(job.id),
        "supplier_id": str(job.supplier_id),
        "supplier_name": told(job.supplier_name),
        "phase": told(job.phase),
        "attempt": job.attempt,
        "attempts_max": job.attempts_max,
        "generation": job.generation,
        "deliveries": job.deliveries,
        "changed_at": told(job.changed_at),
        "unchanged_seconds": round((now - job.changed_at).total_seconds(), 3),
        "held_until": told(held_until),
        "not_before": told(job.not_before),
        "deferred_by": told(job.deferred_by),
        "failure": told(job.failure),
        "can_retry": job.phase is Phase.FAILED and job.can_retry,
    }


def history_cells(entry: JournalEntry) -> tuple[str, ...]:
    """Return a line of the table under `HISTORY_HEADS`."""
    job = entry.job
    why = job.failure or job.deferred_by
    return (
        instant_text(entry.at),
        entry.event,
        f"{entry.before or 'nothing'} -> {job.phase}" if entry.before != job.phase else job.phase,
        str(job.attempt),
        str(entry.token),
        str(job.version),
        f"{why.code}: {why.message}" if why else "",
    )


def history_told(entry: JournalEntry) -> dict[str, object]:
    """Return what programs are told of a line of a job's history."""
    return {
        "position": entry.position,
        "at": told(entry.at),
        "event": entry.event,
        "before": told(entry.before),
        "after": told(entry.job.phase),
        "attempt": entry.job.attempt,
        "generation": entry.job.generation,
        "token": entry.token,
        "version": entry.job.version,
        "failure": told(entry.job.failure),
        "deferred_by": told(entry.job.deferred_by),
    }


def waits_for(job: Job) -> str | None:
    """Return the step that the job waits for, or `ml-analyze`; `None` when it has ended."""
    step = step_of(job)
    if step is not None:
        return type(step).__name__.removesuffix("Step").lower()
    return "ml-analyze" if job.is_active else None


def told(value: object) -> object:
    """Return `value`, whatever a job consists of, as JSON can tell it; instants in UTC."""
    match value:
        case None | bool() | int():
            return value
        case str() | UUID():
            return readable(str(value))
        case datetime():
            return value.astimezone(UTC).isoformat()
        case tuple():
            return [told(each) for each in value]
        case Mapping():
            return {str(name): told(each) for name, each in value.items()}
        case Job() | JobProgress() | Failure() | SourceRef() | GivenLayout():
            return {field.name: told(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"nobody said how a {type(value).__name__} is told")


def instant_text(instant: datetime | None) -> str:
    """Return the instant to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if instant else _NOTHING


def duration_text(duration: timedelta) -> str:
    """Return the duration by its two largest units: `25s`, `3m05s`, `2h10m`, `3d4h`.

    One below zero, which clocks that differ make, counts as none.
    """
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE:02d}s"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h{seconds % _HOUR // _MINUTE:02d}m"
    return f"{seconds // _DAY}d{seconds % _DAY // _HOUR}h"


def _held(until: datetime | None, *, now: datetime) -> str:
    if until is None:
        return _NOTHING
    return f"for {duration_text(until - now)}" if until > now else "expired"


def _deferred(job: Job, *, now: datetime) -> str:
    if job.not_before is None:
        return _NOTHING
    due = f"for {duration_text(job.not_before - now)}" if job.not_before > now else "due"
    return f"{due}: {job.deferred_by.code}" if job.deferred_by else due
