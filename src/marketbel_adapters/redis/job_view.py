"""A job as a plain dict, for people and for scripts: the fields of its hash, with real types."""

import json
from dataclasses import asdict
from typing import Any, Final

from marketbel_adapters.redis.job_hash import encoded
from marketbel_core.jobs import Job, Phase

__all__ = ["job_as_dict"]

_TEXTS: Final = (
    "job_id",
    "supplier_id",
    "supplier_name",
    "phase",
    "status",
    "file_type",
    "source_url",
    "source_type",
    "created_at",
)
_TEXTS_OR_NONE: Final = (
    "error",
    "ml_job_id",
    "started_at",
    "completed_at",
    "sheet_name",
    "original_filename",
    "file_key",
)
_COUNTS: Final = ("retry_count", "max_retries", "version")


def job_as_dict(job: Job) -> dict[str, Any]:
    """Return the fields of `job:{id}` that are meant for others, and `progress` in percent."""
    stored = encoded(job)
    return {
        **{name: stored[name] for name in _TEXTS},
        **{name: stored[name] or None for name in _TEXTS_OR_NONE},
        **{name: int(stored[name]) for name in _COUNTS},
        **asdict(job.progress),  # the true figures; the stored ones are cut for the interface
        "error_details": json.loads(stored["error_details"]),
        "can_retry": stored["can_retry"] == "true",
        "progress": _percent(job),
    }


def _percent(job: Job) -> int:
    figures = job.progress
    if job.phase is Phase.COMPLETE:
        return 100
    # A failed job stays where it was: without a stored file it was still downloading.
    downloading = job.phase is Phase.DOWNLOADING or (
        job.phase is Phase.FAILED and job.file_key is None
    )
    if downloading:
        return _share(figures.download_bytes, figures.download_total)
    return _share(figures.items_processed, figures.items_total)


def _share(part: int, total: int) -> int:
    return min(100, 100 * part // total) if total else 0
