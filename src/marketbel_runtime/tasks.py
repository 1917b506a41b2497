"""arq's side of the steps: strings become ids, errors become retries or results.

Whatever happens, a task returns or asks to be delivered again; it never takes the worker down.
"""

import functools
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from arq import Retry

from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import MarketbelError, RefusedError, UnavailableError
from marketbel_core.ids import JobId, parse_job_id, parse_product_id, parse_supplier_id
from marketbel_core.jobs import Actor, Failure, Job, Phase, backoff
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.container import Container
from marketbel_runtime.steps import TRIES_MAX, TRIES_MAX_WHILE_BUSY

__all__ = [
    "TASKS",
    "courier_task",
    "download_and_trigger_ml",
    "import_items_task",
    "match_items_task",
    "parse_task",
    "poll_ml_job_status_task",
    "recalc_product_aggregates_task",
]

type Result = dict[str, object]
type Context = dict[Any, Any]
type Task = Callable[..., Coroutine[Any, Any, Result]]

_TASK_IDS: Final = UUID("0d4a6f0e-58c5-5d55-8f0e-0c5b7a3f7b52")
_RETRY_BASE: Final = timedelta(seconds=1)
_RETRY_CAP: Final = timedelta(seconds=30)


def _task(*, tries_max: int = TRIES_MAX) -> Callable[[Task], Task]:
    """Return a decorator that makes an arq coroutine of a step.

    An `UnavailableError` asks for another delivery with full jitter until `tries_max`; any other
    error of ours becomes the result; an unexpected one also fails the job, so that it is not left
    waiting for a step that will never come.
    """

    def decorate(run: Task) -> Task:
        name = run.__name__

        @functools.wraps(run)
        async def task(ctx: Context, *args: object, **kwargs: object) -> Result:
            container: Container = ctx["container"]
            kwargs = {**_named(args, kwargs), "delivery_id": ctx["job_id"]}
            tries = int(ctx["job_try"])
            try:
                return await run(container, may_retry=tries < tries_max, **kwargs)
            except UnavailableError as error:
                if tries < tries_max:
                    raise Retry(defer=_wait(tries)) from error
                return _error(kwargs, error)
            except MarketbelError as error:
                container.telemetry().event("task.refused", task=name, code=error.code)
                return _error(kwargs, error)
            except Exception as error:  # noqa: BLE001 - a task never kills the worker
                await _fail_unexpectedly(container, kwargs.get("job_id"), error)
                container.telemetry().event("task.crashed", task=name, error=repr(error)[:500])
                return {**_error(kwargs, error), "code": "internal.error"}

        return task

    return decorate


@_task()
async def download_and_trigger_ml(
    container: Container,
    *,
    may_retry: bool,
    task_id: str | None = None,
    job_id: str | None = None,
    supplier_id: str | None = None,
    supplier_name: str | None = None,
    source_type: str = "excel",
    source_url: str = "",
    original_filename: str | None = None,
    sheet_name: str | None = None,
    use_ml_processing: bool = True,
    delivery_id: str = "",
    **unknown: object,
) -> Result:
    """Carry a supplier's file and have it read, by ml-analyze unless flags say otherwise."""
    _tell_unknown(container, "download_and_trigger_ml", unknown)
    source = SourceRef(
        type=_source_type(source_type),
        location=_required(source_url, "source_url"),
        sheet_name=sheet_name or None,
        original_filename=original_filename or None,
    )
    request = StartRequest(
        source=source,
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        supplier_name=supplier_name,
        read_here=not use_ml_processing,
        job_id=_job_id(job_id, task_id or delivery_id),
    )
    return await _carry(container, request, task_id=task_id, may_retry=may_retry)


@_task()
async def parse_task(
    container: Container,
    *,
    may_retry: bool,
    task_id: str | None = None,
    job_id: str | None = None,
    parser_type: str = "csv",
    supplier_id: str | None = None,
    supplier_name: str | None = None,
    source_config: dict[str, Any] | None = None,
    delivery_id: str = "",
    **unknown: object,
) -> Result:
    """Carry a supplier's file and read it here."""
    _tell_unknown(container, "parse_task", unknown)
    config = source_config or {}
    places = ("file_path", "sheet_url", "spreadsheet_url", "source_url")
    location = next((str(config[key]) for key in places if config.get(key)), "")
    source = SourceRef(
        type=_source_type(parser_type),
        location=_required(location, "source_config.file_path"),
        sheet_name=config.get("sheet_name") or None,
        original_filename=config.get("original_filename") or None,
    )
    request = StartRequest(
        source=source,
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        supplier_name=supplier_name,
        read_here=True,
        job_id=_job_id(job_id, task_id or delivery_id),
    )
    return await _carry(container, request, task_id=task_id, may_retry=may_retry)


@_task()
async def courier_task(
    container: Container, *, may_retry: bool, job_id: str, attempt: int | None = None, **_: object
) -> Result:
    """Carry the file of a job that exists already."""
    job = await container.courier()(parse_job_id(job_id), attempt=attempt, may_retry=may_retry)
    return _job_result(job)


@_task()
async def import_items_task(
    container: Container, *, may_retry: bool, job_id: str, attempt: int | None = None, **_: object
) -> Result:
    """Read a stored file here and import its items."""
    job = await container.import_items()(
        parse_job_id(job_id), attempt=attempt, may_retry=may_retry
    )
    return _job_result(job)


@_task(tries_max=TRIES_MAX_WHILE_BUSY)
async def match_items_task(
    container: Container,
    *,
    may_retry: bool,
    task_id: str | None = None,
    job_id: str | None = None,
    supplier_id: str | None = None,
    attempt: int | None = None,
    **_: object,
) -> Result:
    """Match a backlog: a job's supplier's, a named supplier's, or everybody's."""
    result = await container.match_items()(
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        job_id=parse_job_id(job_id) if job_id else None,
        attempt=attempt,
        may_retry=may_retry,
    )
    return {
        "task_id": task_id,
        "status": "success",
        "items_processed": result.items,
        "auto_matched": result.linked,
        "potential_matches": result.for_review,
        "new_products_created": result.drafted,
        "skipped_no_category": 0,
        "skipped_verified": 0,
        "errors": [],
    }


@_task(tries_max=TRIES_MAX_WHILE_BUSY)
async def recalc_product_aggregates_task(
    container: Container,
    *,
    may_retry: bool,
    task_id: str | None = None,
    job_id: str | None = None,
    product_ids: list[str] | None = None,
    trigger: str = "manual",
    attempt: int | None = None,
    **_: object,
) -> Result:
    """Recompute lowest price and availability; complete the job that waits for it."""
    result = await container.recalculate_aggregates()(
        job_id=parse_job_id(job_id) if job_id else None,
        attempt=attempt,
        product_ids=[parse_product_id(text) for text in product_ids or []],
        may_retry=may_retry,
    )
    return {
        "task_id": task_id,
        "status": "success",
        "trigger": trigger,
        "products_processed": result.processed,
        "products_updated": result.updated,
        "errors": [],
    }


@_task(tries_max=1)
async def poll_ml_job_status_task(container: Container, **_: object) -> Result:
    """Run one polling round; the next round is the retry."""
    result = await container.collect_items()()
    return {
        "jobs_polled": result.polled,
        "jobs_updated": result.moved,
        "errors": list(result.errors),
    }


TASKS: Final[tuple[Task, ...]] = (
    courier_task,
    download_and_trigger_ml,
    import_items_task,
    match_items_task,
    parse_task,
    poll_ml_job_status_task,
    recalc_product_aggregates_task,
)


async def _carry(
    container: Container, request: StartRequest, *, task_id: str | None, may_retry: bool
) -> Result:
    job = await container.start_ingestion()(request, ask=False)
    job = await container.courier()(job.id, may_retry=may_retry)
    return {**_job_result(job), "task_id": task_id}


def _named(args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    """Return what a producer passed by name: a message's fields are arguments, and so is an id."""
    message = args[0] if args else kwargs.get("message")
    rest = {name: value for name, value in kwargs.items() if name != "message"}
    if isinstance(message, dict):
        return {**message, **rest}
    return rest if message is None else {"job_id": message, **rest}


def _job_result(job: Job) -> Result:
    return {
        "task_id": None,
        "job_id": str(job.id),
        "status": "error" if job.phase is Phase.FAILED else "success",
        "phase": str(job.phase),
        "file_path": job.file_key,
        "ml_job_id": job.analysis_id,
        "error": job.failure.message if job.failure else None,
    }


def _error(kwargs: dict[str, object], error: Exception) -> Result:
    return {
        "task_id": kwargs.get("task_id"),
        "job_id": kwargs.get("job_id"),
        "status": "error",
        "code": getattr(error, "code", None),
        "error": str(error),
    }


def _wait(tries: int) -> timedelta:
    # Jitter needs no secret randomness.
    return backoff(tries, base=_RETRY_BASE, cap=_RETRY_CAP, chance=random.random())  # noqa: S311


def _job_id(text: str | None, seed: str) -> JobId:
    """Return the job's id: as given, or made from the task's id, so that it starts one job."""
    if text:
        return parse_job_id(text)
    return JobId(uuid5(_TASK_IDS, seed))


def _source_type(text: str) -> SourceType:
    word = text.strip().lower().replace(" ", "_")
    if word in {"google_sheets", "googlesheets", "gsheet"}:
        return SourceType.GOOGLE_SHEETS
    if word in {"csv", "pdf", "stub"}:  # the suppliers table has no value for pdf
        return SourceType.CSV
    if word in {"excel", "xlsx", "xls", "url"}:
        return SourceType.EXCEL
    raise RefusedError("job.invalid", f"unknown source type {text[:50]!r}")


def _required(text: str, name: str) -> str:
    if not text.strip():
        raise RefusedError("job.invalid", f"{name} is missing")
    return text


def _tell_unknown(container: Container, task: str, unknown: dict[str, object]) -> None:
    if unknown:
        container.telemetry().event("task.unknown_kwargs", task=task, names=",".join(unknown))


async def _fail_unexpectedly(container: Container, job_id: object, error: Exception) -> None:
    try:
        mover = container.mover()
        job = await mover.load(parse_job_id(str(job_id)))
        if job.is_active:
            message = f"an unexpected error: {type(error).__name__}"
            await mover.fail(
                job, Failure(code="internal.error", message=message, actor=Actor.COURIER)
            )
    except MarketbelError as trouble:
        container.telemetry().event("task.job_not_failed", error=str(trouble))
