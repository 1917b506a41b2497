"""How a sidecar is written, and read whoever wrote it."""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from marketbel_core.catalog import FileType, SourceType
from marketbel_core.errors import ProtocolError, RefusedError
from marketbel_core.ids import FileKey, JobId, SupplierId
from marketbel_core.intake.stored_file import Sidecar, check_names

__all__ = ["SIDECAR_BYTES_MAX", "SIDECAR_SUFFIX", "dumped", "parsed", "sidecar_name"]

SIDECAR_SUFFIX: Final = ".meta.json"
SIDECAR_BYTES_MAX: Final = 1_048_576
"""Ours have under 2 KiB; what is larger is no sidecar, and is not read into memory."""

_SCHEMA_VERSION: Final = 1
_DOWNLOADED_BY: Final = "python-ingestion"
"""The name under which neighbours know the service that carries files."""


def sidecar_name(name: str) -> str:
    """Return the name of the sidecar of the file called `name`."""
    return f"{name}{SIDECAR_SUFFIX}"


def dumped(sidecar: Sidecar) -> bytes:
    """Return the sidecar as neighbours expect it: UTF-8 JSON, two blanks, keys in their order."""
    downloaded_at = sidecar.downloaded_at.astimezone(UTC).isoformat()
    body = {
        "original_filename": sidecar.original_filename,
        "source_url": sidecar.source_url,
        "source_type": sidecar.source_type.value,
        "supplier_id": str(sidecar.supplier_id),
        "supplier_name": sidecar.supplier_name,
        "file_type": sidecar.file_type.value,
        "mime_type": sidecar.mime_type,
        "file_size_bytes": sidecar.file_size_bytes,
        "checksum_md5": sidecar.checksum_md5,
        "downloaded_at": downloaded_at.replace("+00:00", "Z"),
        "downloaded_by": _DOWNLOADED_BY,
        "job_id": str(sidecar.job_id),
        "checksum_sha256": sidecar.checksum_sha256,
        "sniffed_type": sidecar.sniffed_type,
        "formula_cells": sidecar.formula_cells,
        "macros": sidecar.macros,
        "schema_version": _SCHEMA_VERSION,
    }
    # A name from a foreign file system may hold what UTF-8 cannot say; that becomes `?`.
    return json.dumps(body, ensure_ascii=False, indent=2).encode(errors="replace")


def parsed(content: bytes, *, key: FileKey) -> Sidecar:
    """Return the sidecar written as `content`; what we do not know in it is passed over.

    Raises:
        ProtocolError: it is no sidecar (`meta.corrupt`).
        RefusedError: it is the sidecar of another file (`meta.mismatch`).
    """
    if len(content) > SIDECAR_BYTES_MAX:
        raise ProtocolError(
            f"the sidecar of {key} is damaged: it is too large", code="meta.corrupt"
        )
    try:
        body = _SidecarBody.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ProtocolError(
            f"the sidecar of {key} is damaged: {where}: {first['msg']}", code="meta.corrupt"
        ) from error
    _check_place(body, key=key)
    sidecar = Sidecar(
        job_id=JobId(body.job_id),
        supplier_id=SupplierId(body.supplier_id),
        supplier_name=body.supplier_name,
        original_filename=body.original_filename,
        source_url=body.source_url,
        source_type=_source_type(body),
        file_type=body.file_type,
        mime_type=body.mime_type,
        file_size_bytes=body.file_size_bytes,
        checksum_md5=body.checksum_md5,
        checksum_sha256=body.checksum_sha256,
        downloaded_at=body.downloaded_at,
        sniffed_type=body.sniffed_type,
        formula_cells=body.formula_cells,
        macros=body.macros,
    )
    check_names(sidecar, key)
    return sidecar


def _aware(instant: datetime) -> datetime:
    """Return the instant in UTC; one without a zone is taken for UTC, as neighbours mean it."""
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error


def _check_place(body: "_SidecarBody", *, key: FileKey) -> None:
    """See that a sidecar that names a file means the one beside it."""
    others = [path for path in (body.file_path, body.file_name) if path is not None]
    if any(_last_part(path) != key for path in others):
        raise RefusedError(
            "meta.mismatch",
            f"the sidecar beside {key} speaks of another file; fetch the list again",
        )


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path)[-1] if ".." not in path else ""


class _SidecarBody(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    job_id: UUID
    supplier_id: UUID
    supplier_name: str = ""
    original_filename: str = Field(min_length=1)
    source_url: str = ""
    source_type: str = ""
    file_type: FileType
    mime_type: str = ""
    file_size_bytes: int = Field(ge=1)
    checksum_md5: str = Field(pattern="^[0-9a-f]{32}$")
    checksum_sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    downloaded_at: Annotated[datetime, AfterValidator(_aware)]
    file_path: str | None = None  # never written by us: others may say what file they mean
    file_name: str | None = None
    sniffed_type: str = ""
    formula_cells: int = Field(default=0, ge=0)
    macros: bool = False


def _source_type(body: _SidecarBody) -> SourceType:
    """Return how the supplier publishes; a word of somebody else's (`url`) goes by the file."""
    try:
        return SourceType(body.source_type)
    except ValueError:
        return SourceType.EXCEL if body.file_type is FileType.EXCEL else SourceType.CSV
