"""What the stand-in for ml-analyze does with a file: read it, take time, write items.

Only here do analyses change: a task moves its own on, the status page reads it.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marketbel_core.catalog import FileType
from marketbel_core.errors import MarketbelError, UnavailableError
from marketbel_core.ids import FileKey, SupplierId
from marketbel_core.intake.rows import ReadRows, RowRejection
from marketbel_core.ports import Catalog, Clock, IdSource, LogEntry, LogLevel, RowReader, whole

__all__ = ["Analysis", "Desk", "Submission", "TurnedAwayError"]

_FILE_BYTES_MAX: Final = 50 * 1024 * 1024
_BATCH_ROWS: Final = 10
"""ml-analyze reports its progress every ten items."""

_ANALYSES_AT_ONCE: Final = 4
_log = logging.getLogger(__name__)


class Submission(BaseModel):
    """A request as all versions of the contract write it; what else it says is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file_path: str | None = None
    file_url: str | None = None
    supplier_id: UUID
    file_type: FileType
    metadata: dict[str, object] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_a_file(self) -> Self:
        if not self.file_path and not self.file_url:
            raise ValueError("either file_path or file_url is required")
        return self

    @property
    def place(self) -> str:
        """Where the file is said to be; `file_path` wins."""
        return (self.file_path or self.file_url or "").removeprefix("file://")

    @property
    def sheet_name(self) -> str | None:
        """The only sheet to read; `None` means all."""
        named = self.metadata.get("sheet_name")
        return named if isinstance(named, str) and named else None


class TurnedAwayError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.detail = {"error": error, "message": message}


@dataclass(slots=True, kw_only=True)
class Analysis:
    """One reading, as far as it is; `status` in ml-analyze's words."""

    id: UUID
    created_at: datetime
    status: str = "pending"
    processed: int = 0
    total: int = 0
    rejected: int = 0
    errors: list[str] = field(default_factory=list)
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def fail(self, sentence: str, *, at: datetime) -> None:
        """End without a result."""
        self.status, self.completed_at = "failed", at
        self.errors.append(sentence)

    def body(self) -> dict[str, object]:
        """Return the answer to a question for the status."""
        share = 100 * self.processed // self.total if self.total else 0
        done = self.status.startswith("completed")
        return {
            "job_id": str(self.id),
            "status": self.status,
            "progress_percentage": 100 if done else share,
            "items_processed": self.processed,
            "items_total": self.total,
            "successful_extractions": self.processed - self.rejected if done else 0,
            "failed_extractions": self.rejected,
            "errors": self.errors,
            "created_at": self.created_at.isoformat(),
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "completed_at": self.completed_at.isoformat() if self.completed_at else None,
        }


class Desk:
    """Takes submissions in and works them off in tasks of its own, until it is closed."""

    def __init__(
        self,
        *,
        reader: RowReader,
        catalog: Catalog,
        uploads: Path,
        clock: Clock,
        ids: IdSource,
        row_delay: timedelta,
    ) -> None:
        self._reader = reader
        self._catalog = catalog
        self._uploads = uploads
        self._clock = clock
        self._ids = ids
        self._row_delay = row_delay
        self._room = asyncio.Semaphore(_ANALYSES_AT_ONCE)
        self._analyses: dict[UUID, Analysis] = {}
        self._named: dict[str | None, Analysis] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, submission: Submission, *, idempotency_key: str | None) -> Analysis:
        """Return the analysis that reads the file: begun now, or earlier under the same key.

        Raises:
            TurnedAwayError: the file is not where it may be, not there, or too large.
        """
        if idempotency_key in self._named:
            return self._named[idempotency_key]
        key = await asyncio.to_thread(_key_of, submission.place, uploads=self._uploads)
        if idempotency_key in self._named:  # sent a second time while we looked at the disk
            return self._named[idempotency_key]
        analysis = Analysis(id=self._ids.new_id(), created_at=self._clock.now())
        self._analyses[analysis.id] = analysis
        if idempotency_key:
            self._named[idempotency_key] = analysis
        task = asyncio.create_task(self._analyse(analysis, submission, key))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, analysis))
        return analysis

    def find(self, analysis_id: UUID) -> Analysis | None:
        """Return the analysis of this id."""
        return self._analyses.get(analysis_id)

    def forget(self) -> None:
        """End what still runs and forget all readings, as a restart would."""
        for task in self._tasks:
            task.cancel()
        self._analyses.clear()
        self._named.clear()

    async def reaches_catalog(self) -> bool:
        """Tell whether the catalogue answers."""
        try:
            async with self._catalog.unit():
                return True
        except UnavailableError:
            return False

    async def close(self) -> None:
        """End what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _analyse(self, analysis: Analysis, submission: Submission, key: FileKey) -> None:
        async with self._room:
            analysis.status, analysis.started_at = "processing", self._clock.now()
            rows = await whole(
                self._reader.read(
                    key, file_type=submission.file_type, sheet_name=submission.sheet_name
                )
            )
            analysis.total = len(rows.accepted) + len(rows.without_item)
            while analysis.processed < analysis.total:
                batch = min(_BATCH_ROWS, analysis.total - analysis.processed)
                await asyncio.sleep((self._row_delay * batch).total_seconds())
                analysis.processed += batch
            await self._write(analysis, SupplierId(submission.supplier_id), rows)
            analysis.rejected = len(rows.without_item)
            analysis.errors += [
                f"{row.sheet}, row {row.row_number}: {row.message}" for row in rows.without_item
            ]
            analysis.completed_at = self._clock.now()
            analysis.status = "completed_with_errors" if rows.without_item else "completed"

    async def _write(self, analysis: Analysis, supplier_id: SupplierId, rows: ReadRows) -> None:
        at = self._clock.now()
        entries = [_log_entry(analysis, supplier_id, row) for row in rows.without_item]
        async with self._catalog.unit() as unit:
            await unit.items.merge(supplier_id, rows.accepted, at=at)
            await unit.log.record(entries, at=at)

    def _ended(self, analysis: Analysis, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            analysis.fail("the service was stopped while it read the file", at=self._clock.now())
            return
        error = task.exception()
        if error is not None:
            analysis.fail(str(error) or type(error).__name__, at=self._clock.now())
            if not isinstance(error, MarketbelError):
                _log.error("analysis %s broke", analysis.id, exc_info=error)


def _log_entry(analysis: Analysis, supplier_id: SupplierId, row: RowRejection) -> LogEntry:
    return LogEntry(
        task_id=str(analysis.id),
        level=LogLevel.ROW,
        message=f"[warning] {row.message}",
        key=f"row:{row.sheet}:{row.row_number}:{row.column}",
        supplier_id=supplier_id,
        row_number=row.row_number,
        details={
            "sheet": row.sheet,
            "column": row.column,
            "value": row.value,
            "code": row.code,
            "cells": dict(row.cells),
        },
    )


def _key_of(place: str, *, uploads: Path) -> FileKey:
    """Return the key of the file at `place`, an absolute path or one below `uploads`."""
    folder = uploads.resolve()
    try:
        path = (folder / place).resolve()
        relative = path.relative_to(folder)
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, NULs, other folders
        raise TurnedAwayError(
            400, "InvalidPath", "the file must lie inside the uploads folder"
        ) from error
    if not path.is_file():
        raise TurnedAwayError(404, "FileNotFound", f"there is no file {relative}")
    if path.stat().st_size > _FILE_BYTES_MAX:
        raise TurnedAwayError(
            413, "FileTooLarge", f"the file has more than {_FILE_BYTES_MAX} bytes"
        )
    return FileKey(str(relative))
