"""What goes over the wire to ml-analyze and back; read as leniently as its versions differ."""

import json
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from marketbel_core.ports import (
    AnalysisFailed,
    AnalysisFinished,
    AnalysisReport,
    AnalysisRequest,
    AnalysisRunning,
)

__all__ = ["HealthReply", "StatusReply", "SubmitReply", "complaint_in", "request_body"]

_COMPLAINT_LENGTH_MAX: Final = 500
_ERRORS_MAX: Final = 1_000
"""More sentences than that help nobody; the count says how many rows there were."""

_COUNT_MAX: Final = 2**31 - 1
"""No list has as many rows: what is above is nonsense, and must fit wherever figures are kept."""


def _count(value: object) -> int:
    """Return the value as a count: 0 for what is no number or below 0, cut at the greatest."""
    if isinstance(value, str) and value.strip().isdecimal():
        return min(_COUNT_MAX, int(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return min(_COUNT_MAX, max(0, int(value)))
    return 0


def _count_if_given(value: object) -> int | None:
    return None if value is None else _count(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _sentences(value: object) -> tuple[str, ...]:
    """Return what stands for a list of errors as sentences; what is no text becomes JSON."""
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    return tuple(_sentence(error) for error in listed[:_ERRORS_MAX])


def _sentence(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:_COMPLAINT_LENGTH_MAX]


type _Count = Annotated[int, BeforeValidator(_count)]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SubmitReply(_Reply):
    """The answer to a submission. The other fields repeat what was sent."""

    job_id: UUID


class HealthReply(_Reply):
    """The answer to a question for health: `healthy`, `degraded` or `unhealthy`."""

    status: str


class StatusReply(_Reply):
    """How far a reading is. Of `status` and `phase` only the first can be trusted.

    Attributes:
        job_id: ml-analyze's own id; empty when the answer does not say.
    """

    job_id: Annotated[str, BeforeValidator(_text)] = ""
    status: str
    items_processed: _Count = 0
    items_total: _Count = 0
    failed_extractions: Annotated[int | None, BeforeValidator(_count_if_given)] = None
    errors: Annotated[tuple[str, ...], BeforeValidator(_sentences)] = ()

    def is_about(self, asked: str) -> bool:
        """Tell whether this is the reading `asked`, as far as the answer says."""
        return not self.job_id or _plain(self.job_id) == _plain(asked)

    def report(self) -> AnalysisReport:
        """Return the reply in the port's words; a status that nobody knows is still running."""
        total = self.items_total
        processed = min(self.items_processed, total) if total else self.items_processed
        match self.status.strip().lower():
            case "completed" | "completed_with_errors":
                failed = self.failed_extractions
                return AnalysisFinished(
                    items_processed=processed,
                    items_total=total,
                    error_count=len(self.errors) if failed is None else failed,
                    errors=self.errors,
                )
            case "failed":
                return AnalysisFailed(errors=self.errors)
            case _:
                return AnalysisRunning(items_processed=processed, items_total=total)


def _plain(text: str) -> str:
    """Return an id in the one spelling that all spellings of a UUID share."""
    try:
        return str(UUID(text.strip()))
    except ValueError:
        return text.strip()


def request_body(request: AnalysisRequest, *, folder: str) -> dict[str, object]:
    """Return a submission that every version of ml-analyze takes.

    Older ones read `file_url`, newer ones `file_path`; both get the same absolute path below
    `folder`, the place where the service sees the file store.
    """
    path = f"{folder.rstrip('/')}/{request.key}"
    metadata = {
        "job_id": str(request.job_id),
        "supplier_name": request.supplier_name,
        "original_filename": request.original_filename,
    }
    if request.sheet_name is not None:
        metadata["sheet_name"] = request.sheet_name
    return {
        "file_path": path,
        "file_url": path,
        "supplier_id": str(request.supplier_id),
        "file_type": request.file_type.value,
        "metadata": metadata,
    }


class _Complaint(_Reply):
    """The shapes of an error: `detail` (text, object or list), or `error` and `message`."""

    detail: object = None
    error: object = None
    message: object = None


def complaint_in(body: bytes) -> str:
    """Return the service's own words about an error, cut to 500 characters; maybe none."""
    try:
        complaint = _Complaint.model_validate_json(body)
    except ValidationError:
        return body.decode(errors="replace").strip()[:_COMPLAINT_LENGTH_MAX]
    return _words_of(complaint)[:_COMPLAINT_LENGTH_MAX]


def _words_of(complaint: _Complaint) -> str:
    match complaint.detail:
        case None:
            said = [complaint.error, complaint.message]
            return ": ".join(str(part) for part in said if part)
        case dict() as inner:
            named = _words_of(_Complaint(error=inner.get("error"), message=inner.get("message")))
            return named or str(inner)
        case list() as findings:
            return "; ".join(_finding(finding) for finding in findings)
        case detail:
            return str(detail)


def _finding(finding: object) -> str:
    """Return one finding of the service's validation as `field: what is wrong`."""
    if not isinstance(finding, dict):
        return str(finding)
    parts = finding.get("loc")
    place = ".".join(map(str, parts)) if isinstance(parts, list) else str(parts or "")
    return f"{place}: {finding.get('msg', '')}"
