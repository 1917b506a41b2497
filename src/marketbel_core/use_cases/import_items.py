"""The import step: a file that is read here becomes items of the catalogue, in one transaction."""

import hashlib
from dataclasses import dataclass, field, replace

from marketbel_core.catalog import FileType
from marketbel_core.errors import RefusedError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.rows import ReadRows, RowRejection
from marketbel_core.jobs import ItemsParsed, Job, Phase
from marketbel_core.ports import (
    Catalog,
    Clock,
    FileStore,
    ImportFigures,
    LogEntry,
    LogLevel,
    MatchStep,
    RowReader,
    StepQueue,
    whole,
)
from marketbel_core.use_cases._job_mover import JobMover, step_of

__all__ = ["ImportItems", "ImportResult", "rejection_entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did.

    Attributes:
        job: As it is stored afterwards.
        figures: What changed in the catalogue; all 0 when this call imported nothing.
        rejected: How many rows were not accepted.
    """

    job: Job
    figures: ImportFigures = field(default_factory=ImportFigures)
    rejected: int = 0


class ImportItems:
    """Imports one job's file. Safe to run twice: the merge is by sku, the log by row."""

    def __init__(
        self,
        *,
        mover: JobMover,
        files: FileStore,
        reader: RowReader,
        catalog: Catalog,
        queue: StepQueue,
        clock: Clock,
    ) -> None:
        self._mover = mover
        self._files = files
        self._reader = reader
        self._catalog = catalog
        self._queue = queue
        self._clock = clock

    async def __call__(self, job_id: JobId, *, attempt: int | None = None) -> ImportResult:
        """Bring the job's items into the catalogue, or end its attempt.

        Args:
            job_id: Whose file.
            attempt: The attempt that asked; another one is left alone. `None` means any.

        Raises:
            JobNotFoundError: there is no such job.
            UnavailableError: the job store or the queue cannot be reached.
        """
        figures, rejected = ImportFigures(), 0
        async with self._mover.hold(job_id, phase=Phase.ANALYZING, attempt=attempt) as job:
            if job is not None and job.analysis_id is None:
                figures, rejected = await self._import(job)
        job = await self._mover.load(job_id)
        step = step_of(job)
        if isinstance(step, MatchStep) and attempt in {None, job.attempt}:
            await self._queue.ask(step)
        return ImportResult(job=job, figures=figures, rejected=rejected)

    async def _import(self, job: Job) -> tuple[ImportFigures, int]:
        """Return what changed in the catalogue, and how many rows were rejected."""
        key, file_type = await self._stored(job)
        rows = await whole(
            self._reader.read(
                key,
                file_type=file_type,
                sheet_name=job.source.sheet_name,
                layout=job.source.layout,
            )
        )
        applied = await self._apply(job, rows)
        rejected = len(rows.without_item)
        read = len(rows.accepted) + rejected
        figures = replace(
            job.progress,
            items_processed=read,
            items_total=read,
            error_count=rejected,
        )
        await self._mover.move(replace(job, progress=figures), ItemsParsed())
        return applied, rejected

    async def _stored(self, job: Job) -> tuple[FileKey, FileType]:
        key = job.file_key
        sidecar = await self._files.sidecar(key) if key else None
        if key is None or sidecar is None:
            raise RefusedError("storage.missing", "the stored file is gone: retry to fetch it")
        return key, sidecar.file_type

    async def _apply(self, job: Job, rows: ReadRows) -> ImportFigures:
        at = self._clock.now()
        async with self._catalog.unit() as unit:
            figures = await unit.items.merge(job.supplier_id, rows.accepted, at=at)
            await unit.log.record(rejection_entries(job, rows.without_item), at=at)
            await unit.log.record_import(
                job.id,
                attempt=job.attempt,
                supplier_id=job.supplier_id,
                figures=figures,
                rejected=len(rows.without_item),
                at=at,
            )
        return figures


def rejection_entries(job: Job, rejections: tuple[RowRejection, ...]) -> list[LogEntry]:
    """Return the row log's entries for rejected rows; a row and reason is logged once a job."""
    return [
        LogEntry(
            task_id=str(job.id),
            level=LogLevel.ROW,
            message=f"{rejection.code}: {rejection.message}",
            key=_key(rejection),
            supplier_id=job.supplier_id,
            row_number=rejection.row_number,
            details={
                "sheet": rejection.sheet,
                "column": rejection.column,
                "value": rejection.value,
                "code": rejection.code,
                "cells": dict(rejection.cells),
            },
        )
        for rejection in rejections
    ]


def _key(rejection: RowRejection) -> str:
    place = f"{rejection.sheet}\0{rejection.row_number}\0{rejection.code}\0{rejection.value}"
    return hashlib.sha256(place.encode(errors="replace")).hexdigest()
