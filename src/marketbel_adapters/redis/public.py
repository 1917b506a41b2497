"""Jobs for callers outside of the worker: three functions on a Redis client of theirs.

They go through the job store and the transition table like every step of ours: a move that is not
in the table is refused, and so is one that somebody else was quicker with. They only write the
job down; no step is queued by them.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Unpack, cast
from uuid import UUID, uuid4  # noqa: TID251 - callers from outside have no IdSource

from redis.asyncio import Redis
from redis.client import NEVER_DECODE

from marketbel_adapters.redis.connection import translated
from marketbel_adapters.redis.job_moves import (
    JobFigures,
    event_of,
    invalid,
    is_count,
    progress_of,
    target_of,
)
from marketbel_adapters.redis.job_view import job_as_dict
from marketbel_adapters.redis.jobs import RedisJobStore
from marketbel_core.catalog import FileType, SourceRef, SourceType
from marketbel_core.errors import (
    IllegalTransitionError,
    JobNotFoundError,
    StaleJobError,
)
from marketbel_core.ids import AnalysisId, FileKey, JobId, parse_job_id, parse_supplier_id
from marketbel_core.intake import ParserType, parser_type_of
from marketbel_core.intake.parser_configs import guessed_parser_type
from marketbel_core.intake.stored_file import file_type_of
from marketbel_core.intake.stored_file import original_filename as known_filename
from marketbel_core.jobs import (
    Actor,
    Failure,
    FileSubmitted,
    Job,
    JobProgress,
    Phase,
    Reading,
    advance,
    new_job,
)

__all__ = ["JobFigures", "create_job", "get_job", "update_job"]

_RETRIES_MAX: Final = 10


async def create_job(
    redis: Redis,
    job_id: UUID | str | None = None,
    *,
    supplier_id: UUID | str,
    supplier_name: str = "",
    file_type: FileType | str | None = None,
    source_url: str,
    max_retries: int = 3,
    source_type: SourceType | str | None = None,
    sheet_name: str | None = None,
    original_filename: str | None = None,
    use_ml_processing: bool = True,
) -> dict[str, Any]:
    """Store a job that nobody has begun yet; return it as `get_job` does.

    A job that is stored under the id already is left as it is, and returned.

    Args:
        redis: Any client of `redis.asyncio`, decoding or not.
        job_id: Made when it is not given.
        supplier_id: Whose list it is.
        supplier_name: As people know the supplier.
        file_type: `excel`, `csv` or `pdf`, where address and `source_type` do not tell.
        source_url: An http(s) address, or a path below the shared folder. Others are
            shown it without credentials and query.
        max_retries: 0 to 10, the first attempt not counted.
        source_type: `google_sheets`, `csv`, `excel`, and the other words that messages use.
        sheet_name: The only sheet to read.
        original_filename: The name that people know the file by.
        use_ml_processing: Whether ml-analyze is to read it; else the worker does.

    Raises:
        InvalidIdError: an id is no UUID.
        RefusedError: another value cannot be used (`job.invalid`).
        UnavailableError: Redis does not answer.
    """
    if not is_count(max_retries) or max_retries > _RETRIES_MAX:
        raise invalid(f"max_retries must be 0 to {_RETRIES_MAX}")
    if not source_url.strip():
        raise invalid("source_url is missing")
    job = new_job(
        JobId(uuid4()) if job_id is None else parse_job_id(str(job_id)),
        supplier_id=parse_supplier_id(str(supplier_id)),
        supplier_name=supplier_name,
        source=_named(
            SourceRef(
                type=_source_type(source_type, file_type, source_url),
                location=source_url,
                sheet_name=sheet_name,
                original_filename=original_filename,
            ),
            file_type=file_type,
            supplier_name=supplier_name,
        ),
        reading=Reading.ML if use_ml_processing else Reading.LOCAL,
        now=await _now(redis),
        attempts_max=max_retries + 1,
    )
    store = _store(redis)
    await store.add_unarchived(job)
    return job_as_dict(await store.get(job.id))


async def update_job(
    redis: Redis,
    job_id: UUID | str,
    *,
    phase: Phase | str | None = None,
    status: str | None = None,
    ml_job_id: UUID | str | None = None,
    file_path: str | None = None,
    error: str | None = None,
    error_details: list[str] | None = None,
    error_code: str = "job.reported_failed",
    expected_version: int | None = None,
    **figures: Unpack[JobFigures],
) -> dict[str, Any]:
    """Move a job, or show new figures; return it as `get_job` does.

    Args:
        redis: Any client of `redis.asyncio`, decoding or not.
        job_id: Whose state it is.
        phase: Where the job is now. The phase it is in already moves nothing.
        status: Needless: the phase says it. `completed` and `failed` stand for that phase.
        ml_job_id: What ml-analyze calls the reading; alone it means `analyzing`.
        file_path: Where the file rests; its last part is kept.
        error: Why the attempt failed, with `phase="failed"`.
        error_details: Further sentences about it.
        error_code: A stable word for machines; one that begins with `ml.` says who erred.
        expected_version: `version` as `get_job` told it, to write only if nobody has since.
        figures: What there is to tell of the way.

    Raises:
        InvalidIdError: the id is no UUID.
        JobNotFoundError: no job is stored under it.
        IllegalTransitionError: the job cannot go there from where it is; `complete` is final.
        StaleJobError: somebody else moved it first; nothing was written.
        RefusedError: a value cannot be used (`job.invalid`).
        UnavailableError: Redis does not answer.
    """
    store = _store(redis)
    job = await store.get(parse_job_id(str(job_id)))
    if expected_version is not None and expected_version != job.version:
        raise StaleJobError(job.id, expected_version=expected_version, stored_version=job.version)
    target = target_of(job, phase=phase, status=status, ml_job_id=ml_job_id, error=error)
    progress = progress_of(job, cast("dict[str, object]", figures))
    event = event_of(
        job,
        target,
        submitted=FileSubmitted(
            file_key=FileKey(_last_part(file_path) or job.file_key or ""),
            analysis_id=AnalysisId(str(ml_job_id)) if ml_job_id else None,
        ),
        failure=Failure(
            code=error_code,
            message=error or "",
            actor=Actor.ML_ANALYZE if error_code.startswith("ml.") else Actor.COURIER,
            details=tuple(str(detail) for detail in error_details or ()),
        ),
        begun=status != "pending" and (phase is not None or bool(figures)),
    )
    if event is not None:
        now = await _now(redis)
        moved = advance(replace(job, progress=progress), event, now=now)
        if moved.progress == progress != job.progress:  # a retry begins without figures
            moved = replace(moved, progressed_at=now)
        await store.save(moved, read=job, event=type(event))
    elif progress != job.progress:
        await _show(store, job, progress, at=await _now(redis))
    return job_as_dict(await store.get(job.id))


async def get_job(redis: Redis, job_id: UUID | str) -> dict[str, Any] | None:
    """Return a job's fields, or `None` when no job is stored under the id.

    The names are those of the hash `job:{id}`. Numbers are `int`, `can_retry` is `bool`,
    `error_details` a list; what there is none of is `None`; ids and instants are text (ISO 8601).
    `progress` is 0 to 100 and belongs to the phase: of the bytes while downloading, of the rows
    afterwards, 0 while the total is unknown, 100 for a complete job.

    Raises:
        InvalidIdError: the id is no UUID.
        ProtocolError: what is stored is no job of ours (`jobs.corrupt`).
        UnavailableError: Redis does not answer.
    """
    try:
        return job_as_dict(await _store(redis).get(parse_job_id(str(job_id))))
    except JobNotFoundError:
        return None


class _Undecoded(Redis):
    """A client on somebody else's connections, whose replies stay bytes whatever theirs do."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the driver
        options[NEVER_DECODE] = True
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # the driver's


def _store(redis: Redis) -> RedisJobStore:
    return RedisJobStore(_Undecoded(connection_pool=redis.connection_pool))


async def _now(redis: Redis) -> datetime:
    """Return the server's time: one clock, on whichever machine the caller is."""
    with translated():
        seconds, microseconds = await redis.time()
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


async def _show(store: RedisJobStore, job: Job, progress: JobProgress, *, at: datetime) -> None:
    if not job.is_active:
        raise IllegalTransitionError(job_id=job.id, phase=job.phase, event="a late figure")
    if not await store.record_progress(job.id, progress, expected_version=job.version, at=at):
        stored = await store.get(job.id)
        raise StaleJobError(job.id, expected_version=job.version, stored_version=stored.version)


def _source_type(said: str | None, file_type: str | None, location: str) -> SourceType:
    guess = guessed_parser_type({"source_url": location})
    if said is not None:
        known = parser_type_of(said)
    elif file_type is None or guess is ParserType.GOOGLE_SHEETS:
        known = guess
    else:
        known = parser_type_of(_file_type(file_type).value)
    if not isinstance(known, ParserType):
        raise invalid(f"source_type must be one of {', '.join(SourceType)}")
    return SourceType.CSV if known is ParserType.STUB else SourceType(known.value)


def _named(source: SourceRef, *, file_type: str | None, supplier_name: str) -> SourceRef:
    """Return the source; a PDF whose address does not say so is given a name that does."""
    if file_type is None or _file_type(file_type) is not FileType.PDF:
        return source
    name = known_filename(source, announced=None, supplier_name=supplier_name)
    if file_type_of(name, mime_type=None, source_type=source.type) is FileType.PDF:
        return source
    return replace(source, original_filename=f"{name[:250]}.pdf")


def _file_type(said: str) -> FileType:
    try:
        return FileType(str(said).strip().lower())
    except ValueError:
        raise invalid(f"file_type must be one of {', '.join(FileType)}") from None


def _last_part(path: str | None) -> str:
    return (path or "").replace("\\", "/").rsplit("/", 1)[-1]
