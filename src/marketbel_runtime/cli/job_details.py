"""Everything about one job, from Redis and from the archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from marketbel_core.errors import JobNotFoundError, PortError
from marketbel_core.ids import parse_job_id
from marketbel_core.jobs import Job
from marketbel_core.ports import JournalEntry
from marketbel_runtime.cli.job_views import (
    HISTORY_HEADS,
    duration_text,
    history_cells,
    history_told,
    instant_text,
    told,
    waits_for,
)
from marketbel_runtime.cli.output import console, print_lines, print_table, write_json
from marketbel_runtime.container import Container

__all__ = ["DEAD_LETTERS_MAX", "JobDetails", "job_details", "show_details"]

DEAD_LETTERS_MAX: Final = 1_000_000
"""All of them: whoever asks for fewer cannot say that a job is not among them."""

_HISTORY_LINES: Final = 50
_NAME_WIDTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetails:
    """What is known of a job.

    Attributes:
        is_stored: Whether Redis knows the job; if not, it is as its last line in the archive says.
        held_until: The end of the lease on it; `None` when nobody holds it.
        is_dead_letter: Whether it is among the dead letters: purged ones are not.
        history: The newest lines that were archived, oldest first; `None` when they cannot be had.
        history_trouble: Why they cannot be had.
        looked_at: The instant of this.
    """

    job: Job
    is_stored: bool
    held_until: datetime | None
    is_dead_letter: bool
    history: Sequence[JournalEntry] | None
    history_trouble: str | None
    looked_at: datetime


async def job_details(container: Container, text: str) -> JobDetails:
    """Return what is known of the job with the id `text`.

    Raises:
        InvalidIdError: the text is not a whole UUID.
        JobNotFoundError: neither Redis nor the archive knows the job.
        PortError: Redis cannot be reached, or what it has cannot be read.
    """
    job_id = parse_job_id(text)
    history: list[JournalEntry] | None = None
    trouble = None
    try:
        history = await container.archive().history(job_id, limit=_HISTORY_LINES)
    except PortError as error:
        trouble = f"{error} ({error.code})"
    store = container.jobs()
    try:
        job, is_stored = await store.get(job_id), True
    except JobNotFoundError:
        if not history:
            raise
        job, is_stored = history[-1].job, False
    return JobDetails(
        job=job,
        is_stored=is_stored,
        held_until=(await store.held([job_id])).get(job_id),
        is_dead_letter=job_id in await store.dead_letters(limit=DEAD_LETTERS_MAX),
        history=history,
        history_trouble=trouble,
        looked_at=container.clock().now(),
    )


def show_details(details: JobDetails, *, as_json: bool) -> None:
    """Print it for people, and write it for programs if they asked."""
    out = console(as_json=as_json)
    print_lines(out, [f"{name:<{_NAME_WIDTH}} {text}" for name, text in _facts(details) if text])
    if details.history is None:
        print_lines(out, ["", f"its history cannot be had: {details.history_trouble}"])
    elif details.history:
        print_lines(out, [""])
        print_table(out, HISTORY_HEADS, [history_cells(entry) for entry in details.history])
    if as_json:
        write_json({"ok": True, **_told(details)})


def _told(details: JobDetails) -> dict[str, object]:
    job = details.job
    return {
        "job": told(job),
        "stored": details.is_stored,
        "can_retry": job.can_retry,
        "dead_letter": details.is_dead_letter,
        "held_until": told(details.held_until),
        "waits_for": waits_for(job),
        "history": None
        if details.history is None
        else [history_told(entry) for entry in details.history],
        "history_trouble": details.history_trouble,
    }


def _facts(details: JobDetails) -> list[tuple[str, str]]:
    job, now = details.job, details.looked_at
    figures = job.progress
    return [
        ("job", str(job.id)),
        ("", "" if details.is_stored else "Redis does not know it: as the archive says"),
        ("supplier", f"{job.supplier_name} ({job.supplier_id})"),
        ("phase", f"{job.phase} for {duration_text(now - job.changed_at)}, by {job.actor}"),
        ("attempt", f"{job.attempt} of {job.attempts_max}, generation {job.generation}"),
        *_failure(job),
        ("dead letter", "yes" if details.is_dead_letter else "no"),
        ("waits for", _waiting(job)),
        ("held", _held(details)),
        ("tries", f"{job.deferrals} used, {job.waits} waits, {job.deliveries} workers lost"),
        ("source", _source(job)),
        ("file", job.file_key or ""),
        ("read by", f"{job.reading}{f', {job.analysis_id}' if job.analysis_id else ''}"),
        ("downloaded", f"{figures.download_bytes} of {figures.download_total or '?'} bytes"),
        ("rows", f"{figures.items_processed} of {figures.items_total or '?'}"),
        ("found", f"{figures.matches_found} linked, {figures.review_queue_count} to review"),
        ("rejected", f"{figures.error_count} rows"),
        ("created", instant_text(job.created_at)),
        ("started", instant_text(job.started_at)),
        ("changed", instant_text(job.changed_at)),
        ("progressed", instant_text(job.progressed_at)),
        ("ended", instant_text(job.completed_at)),
        ("version", f"{job.version}, token {job.token}, resubmissions {job.resubmissions}"),
    ]


def _failure(job: Job) -> list[tuple[str, str]]:
    if job.failure is None:
        return []
    failure = job.failure
    sentences = [f"{failure.code}: {failure.message} (by {failure.actor})", *failure.details]
    return [("failure" if not number else "", text) for number, text in enumerate(sentences)]


def _waiting(job: Job) -> str:
    step = waits_for(job)
    if step is None:
        return "nothing: it has ended"
    if job.not_before is None:
        return step
    why = f"; {job.deferred_by.code}: {job.deferred_by.message}" if job.deferred_by else ""
    return f"{step}, not before {instant_text(job.not_before)}{why}"


def _held(details: JobDetails) -> str:
    until = details.held_until
    if until is None:
        return "by nobody"
    if until <= details.looked_at:
        return f"until {instant_text(until)}: expired, the next sweep takes it back"
    return f"until {instant_text(until)}, for {duration_text(until - details.looked_at)}"


def _source(job: Job) -> str:
    source = job.source
    parts = [source.type.value, source.location]
    if source.is_shortened:
        parts.append("(shortened)")
    if source.sheet_name:
        parts.append(f"sheet {source.sheet_name!r}")
    if source.original_filename:
        parts.append(f"known as {source.original_filename!r}")
    if source.layout is not None:
        parts.append("with a layout that was given")
    return " ".join(parts)
