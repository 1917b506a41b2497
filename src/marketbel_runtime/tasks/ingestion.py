"""The tasks that carry a file and bring its items in."""

from pathlib import Path
from typing import Any, Final

from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import RefusedError
from marketbel_core.ids import parse_job_id, parse_supplier_id
from marketbel_core.jobs import Job, Phase
from marketbel_core.use_cases import ImportResult, StartRequest
from marketbel_runtime.container import Container
from marketbel_runtime.tasks.running import Result, as_task, tell_unknown

__all__ = [
    "courier_task",
    "download_and_trigger_ml",
    "import_items_task",
    "parse_task",
    "poll_ml_job_status_task",
]

_FIRST: Final = 1
"""What starts a job means its first attempt: delivered again later, it leaves others alone."""

_PLACES: Final = ("file_path", "sheet_url", "spreadsheet_url", "source_url")
_USED: Final = frozenset({*_PLACES, "sheet_name", "original_filename"})
_SAFELY_IGNORED: Final = frozenset(
    {"retry_count", "max_retries", "enqueued_at", "created_at", "priority", "max_file_size_mb"}
)
"""The neighbours send these; attempts, limits and order are ours to keep."""


@as_task(starts_job=True)
async def download_and_trigger_ml(
    container: Container,
    *,
    job_id: str,
    task_id: str | None = None,
    supplier_id: str | None = None,
    supplier_name: str | None = None,
    source_type: str = "excel",
    source_url: str = "",
    original_filename: str | None = None,
    sheet_name: str | None = None,
    use_ml_processing: bool = True,
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
        job_id=parse_job_id(job_id),
    )
    job = await container.start_ingestion()(request, ask=False)
    job = await container.courier()(job.id, attempt=_FIRST)
    return {**_job_result(container, job), "task_id": task_id}


@as_task(starts_job=True)
async def parse_task(
    container: Container,
    *,
    job_id: str,
    task_id: str | None = None,
    parser_type: str = "csv",
    supplier_id: str | None = None,
    supplier_name: str | None = None,
    source_config: dict[str, Any] | None = None,
    **unknown: object,
) -> Result:
    """Carry a supplier's file and read it here.

    With `supplier_id` alone the file is the one that the supplier's own entry names.
    """
    config = source_config or {}
    _tell_unknown(container, "parse_task", {**unknown, **_unused(config)})
    request = StartRequest(
        source=_source_of(config, parser_type) if config or not supplier_id else None,
        supplier_id=parse_supplier_id(supplier_id) if supplier_id else None,
        supplier_name=supplier_name,
        read_here=True,
        job_id=parse_job_id(job_id),
    )
    job = await container.start_ingestion()(request, ask=False)
    job = await container.courier()(job.id, attempt=_FIRST, ask=False)
    imported = await container.import_items()(job.id, attempt=_FIRST)
    return {"task_id": task_id, **_parse_result(imported)}


@as_task()
async def courier_task(
    container: Container, *, job_id: str, attempt: int | None = None, **_: object
) -> Result:
    """Carry the file of a job that exists already."""
    job = await container.courier()(parse_job_id(job_id), attempt=attempt)
    return _job_result(container, job)


@as_task()
async def import_items_task(
    container: Container, *, job_id: str, attempt: int | None = None, **_: object
) -> Result:
    """Read a stored file here and import its items."""
    imported = await container.import_items()(parse_job_id(job_id), attempt=attempt)
    return {"task_id": None, **_parse_result(imported)}


@as_task(tries_max=1, timed=False)
async def poll_ml_job_status_task(container: Container, **_: object) -> Result:
    """Run one polling round; the next round is the retry."""
    result = await container.collect_items()()
    return {
        "jobs_polled": result.polled,
        "jobs_updated": result.moved,
        "errors": list(result.errors),
    }


def _source_of(config: dict[str, Any], parser_type: str) -> SourceRef:
    location = next((str(config[key]) for key in _PLACES if config.get(key)), "")
    return SourceRef(
        type=_source_type(parser_type),
        location=_required(location, "source_config.file_path"),
        sheet_name=config.get("sheet_name") or None,
        original_filename=config.get("original_filename") or None,
    )


def _unused(config: dict[str, Any]) -> dict[str, object]:
    return {f"source_config.{key}": value for key, value in config.items() if key not in _USED}


def _tell_unknown(container: Container, task: str, unknown: dict[str, object]) -> None:
    told = {name: value for name, value in unknown.items() if name not in _SAFELY_IGNORED}
    tell_unknown(container, task, told)


def _job_result(container: Container, job: Job) -> Result:
    uploads: Path = container.settings().uploads_dir
    return {
        "task_id": None,
        "job_id": str(job.id),
        "status": _status(job),
        "phase": str(job.phase),
        "file_path": str(uploads / job.file_key) if job.file_key else None,
        "ml_job_id": job.analysis_id,
        "error": job.failure.message if job.failure else None,
    }


def _parse_result(imported: ImportResult) -> Result:
    job, figures = imported.job, imported.figures
    status = _status(job)
    return {
        "job_id": str(job.id),
        "status": "partial_success" if status == "success" and imported.rejected else status,
        "items_parsed": figures.accepted,
        "items_failed": imported.rejected,
        "price_history_entries": figures.inserted + figures.repriced,
        "errors": [job.failure.message] if job.failure else [],
    }


def _status(job: Job) -> str:
    return "error" if job.phase is Phase.FAILED else "success"


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
