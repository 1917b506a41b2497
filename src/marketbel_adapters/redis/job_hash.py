"""A job as the fields of the hash `job:{id}`, which the admin interface reads as well.

The interface's fields are exactly those that it knows: every value is text, booleans are `true` or
`false`, an instant is ISO 8601, and `''` stands for "none". The rest is ours, for an exact way
back. Since `''` may also be a real text, `absent` names every field that stands for `None`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from marketbel_adapters.redis.job_fields import (
    StoredFields,
    failure_fields,
    failure_from,
    failure_of,
    failure_text,
    iso,
    iso_or_empty,
    microseconds,
)
from marketbel_adapters.redis.layout_field import layout_from, layout_text
from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import ProtocolError
from marketbel_core.ids import (
    AnalysisId,
    FileKey,
    JobId,
    parse_job_id,
    parse_supplier_id,
)
from marketbel_core.intake.stored_file import file_type_of, original_filename
from marketbel_core.jobs import Actor, Job, JobProgress, Phase, Reading

__all__ = ["decoded", "encoded", "encoded_figures", "microseconds"]

_FAILURE: Final = "failure"
"""Stands in `absent` for the four fields of a failure together."""


class _Status(StrEnum):
    """The admin interface's second word for where a job stands."""

    PENDING = "pending"  # nobody has begun the present attempt
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


def encoded(job: Job) -> dict[str, str]:
    """Return every field of the job's hash, the progress figures included."""
    optional = {
        "ml_job_id": job.analysis_id,
        "file_key": job.file_key,
        "sheet_name": job.source.sheet_name,
        "original_filename": job.source.original_filename,
        "started_at": iso_or_empty(job.started_at) or None,
        "completed_at": iso_or_empty(job.completed_at) or None,
    }
    absent = [name for name, value in optional.items() if value is None]
    if job.failure is None:
        absent.append(_FAILURE)
    return {
        **_required(job),
        **encoded_figures(job.progress),
        **failure_fields(job.failure),
        **{name: value or "" for name, value in optional.items()},
        "absent": " ".join(absent),
    }


def encoded_figures(progress: JobProgress) -> dict[str, str]:
    """Return the fields of the progress figures.

    The admin interface divides by the totals and refuses more than 100 %, so its figures are cut
    to a total that is known; the `_seen` ones are the true ones.
    """
    return {
        "download_bytes": str(_cut(progress.download_bytes, progress.download_total)),
        "download_total": str(progress.download_total),
        "items_processed": str(_cut(progress.items_processed, progress.items_total)),
        # A part of nothing is no percentage: the interface divides by the total.
        "items_total": str(progress.items_total or progress.items_processed),
        "matches_found": str(progress.matches_found),
        "review_queue_count": str(progress.review_queue_count),
        "error_count": str(progress.error_count),
        "download_bytes_seen": str(progress.download_bytes),
        "items_processed_seen": str(progress.items_processed),
        "items_total_seen": str(progress.items_total),
    }


def decoded(job_id: JobId, fields: Mapping[str, str]) -> Job:
    """Return the job that `fields` say.

    Raises:
        ProtocolError: a field is missing or cannot be read, or the hash is another job's
            (`jobs.corrupt`).
    """
    try:
        return _job(job_id, StoredFields(texts=fields, absent=frozenset(fields["absent"].split())))
    except (KeyError, ValueError) as error:
        message = f"the stored job {job_id} cannot be read: {error!r}"
        raise ProtocolError(message, code="jobs.corrupt") from error


def _required(job: Job) -> dict[str, str]:
    return {
        # What the admin interface reads.
        "job_id": str(job.id),
        "supplier_id": str(job.supplier_id),
        "supplier_name": job.supplier_name,
        "phase": job.phase.value,
        "status": _status(job).value,
        "file_type": _file_type(job).value,
        "source_url": job.source.location,
        "can_retry": "true" if job.can_retry else "false",
        "retry_count": str(job.attempt - 1),
        "max_retries": str(job.attempts_max - 1),
        "created_at": iso(job.created_at),
        # What is ours alone.
        "source_type": job.source.type.value,
        "layout": layout_text(job.source.layout),
        "reading": job.reading.value,
        "actor": job.actor.value,
        "changed_at": iso(job.changed_at),
        "version": str(job.version),
        "token": str(job.token),
        "deliveries": str(job.deliveries),
        **_younger(job),
    }


def _younger(job: Job) -> dict[str, str]:
    """Return the fields that hashes of earlier versions lack; `''` stands for none by itself."""
    return {
        "location_shortened": "true" if job.source.is_shortened else "false",
        "generation": str(job.generation),
        "deferrals": str(job.deferrals),
        "waits": str(job.waits),
        "resubmissions": str(job.resubmissions),
        "not_before": iso_or_empty(job.not_before),
        "progressed_at": iso_or_empty(job.progressed_at),
        "deferred_by": failure_text(job.deferred_by),
    }


def _job(job_id: JobId, fields: StoredFields) -> Job:
    if parse_job_id(fields.text("job_id")) != job_id:
        raise ValueError(f"it says it is job {fields.text('job_id')}")
    analysis_id = fields.optional("ml_job_id", fields.text)
    file_key = fields.optional("file_key", fields.text)
    return Job(
        id=job_id,
        supplier_id=parse_supplier_id(fields.text("supplier_id")),
        supplier_name=fields.text("supplier_name"),
        source=SourceRef(
            type=SourceType(fields.text("source_type")),
            location=fields.text("source_url"),
            sheet_name=fields.optional("sheet_name", fields.text),
            original_filename=fields.optional("original_filename", fields.text),
            is_shortened=fields.younger("location_shortened") == "true",
            layout=layout_from(fields.younger("layout")),
        ),
        reading=Reading(fields.text("reading")),
        created_at=fields.instant("created_at"),
        changed_at=fields.instant("changed_at"),
        phase=Phase(fields.text("phase")),
        actor=Actor(fields.text("actor")),
        attempt=fields.number("retry_count") + 1,
        attempts_max=fields.number("max_retries") + 1,
        generation=int(fields.younger("generation") or 1),
        deliveries=fields.number("deliveries"),
        deferrals=int(fields.younger("deferrals") or 0),
        waits=int(fields.younger("waits") or 0),
        not_before=fields.instant_or_none("not_before"),
        deferred_by=failure_from(fields.younger("deferred_by")),
        resubmissions=int(fields.younger("resubmissions") or 0),
        token=fields.number("token"),
        version=fields.number("version"),
        file_key=None if file_key is None else FileKey(file_key),
        analysis_id=None if analysis_id is None else AnalysisId(analysis_id),
        failure=None if _FAILURE in fields.absent else failure_of(fields),
        progress=_progress(fields),
        progressed_at=fields.instant_or_none("progressed_at"),
        started_at=fields.optional("started_at", fields.instant),
        completed_at=fields.optional("completed_at", fields.instant),
    )


def _progress(fields: StoredFields) -> JobProgress:
    return JobProgress(
        download_bytes=fields.number("download_bytes_seen"),
        download_total=fields.number("download_total"),
        items_processed=fields.number("items_processed_seen"),
        items_total=fields.number("items_total_seen"),
        matches_found=fields.number("matches_found"),
        review_queue_count=fields.number("review_queue_count"),
        error_count=fields.number("error_count"),
    )


def _status(job: Job) -> _Status:
    match job.phase:
        case Phase.COMPLETE:
            return _Status.COMPLETED
        case Phase.FAILED:
            return _Status.FAILED
        case Phase.DOWNLOADING if job.started_at is None:
            return _Status.PENDING
        case Phase.DOWNLOADING | Phase.ANALYZING | Phase.MATCHING:
            return _Status.PROCESSING


def _file_type(job: Job) -> FileType:
    source = job.source
    try:
        name = original_filename(source, announced=None, supplier_name=job.supplier_name)
    except ValueError:  # the location looks like an address and is none: the courier will say so
        name = source.location
    return file_type_of(name, mime_type=None, source_type=source.type)


def _cut(figure: int, total: int) -> int:
    return min(figure, total) if total > 0 else figure
