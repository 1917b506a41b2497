"""The courier carries a file from its source to the file store and has it read; it never looks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from marketbel_core.errors import MarketbelError, StaleJobError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.stored_file import (
    FileFacts,
    Sidecar,
    file_key,
    original_filename,
)
from marketbel_core.jobs import DownloadStarted, FileSubmitted, Job, Phase
from marketbel_core.ports import (
    AnalysisRequest,
    Analyzer,
    Clock,
    FileInspector,
    FileSource,
    FileStore,
    ImportStep,
    IncomingFile,
    ReadElsewhere,
    StepQueue,
)
from marketbel_core.use_cases._job_mover import JobMover, step_of

__all__ = ["Courier"]

_PROGRESS_STEP_BYTES: Final = 1024 * 1024
"""Often enough for a person who watches; each update is a round trip."""


class Courier:
    """Fetches one job's file. Safe to run twice: the second of two writers gives way."""

    def __init__(
        self,
        *,
        mover: JobMover,
        sources: FileSource,
        files: FileStore,
        inspector: FileInspector,
        analyzer: Analyzer,
        queue: StepQueue,
        clock: Clock,
        file_size_bytes_max: int,
    ) -> None:
        self._mover = mover
        self._sources = sources
        self._files = files
        self._inspector = inspector
        self._analyzer = analyzer
        self._queue = queue
        self._clock = clock
        self._file_size_bytes_max = file_size_bytes_max

    async def __call__(
        self,
        job_id: JobId,
        *,
        attempt: int | None = None,
        may_retry: bool = False,
        ask: bool = True,
    ) -> Job:
        """Return the job after its file was carried, or after the attempt failed.

        A job that is past downloading is not carried again; its next step is asked for again, in
        case that ask was lost.

        Args:
            job_id: Whose file.
            attempt: The attempt that asked; another one is left alone. `None` means any.
            may_retry: Whether another delivery of this step will follow an `UnavailableError`.
            ask: Whether to ask for the next step; `False` when the caller runs it itself.

        Raises:
            JobNotFoundError: there is no such job.
            UnavailableError: time may cure it, and `may_retry`.
        """
        job = await self._mover.load(job_id)
        if attempt not in {None, job.attempt}:
            return job
        if job.phase is not Phase.DOWNLOADING:
            if ask:
                await self._ask_next(job)
            return job
        try:
            job = await self._mover.move(job, DownloadStarted())
            job = await self._carry(job)
        except StaleJobError:
            return await self._mover.load(job_id)
        except MarketbelError as error:
            latest = await self._mover.load(job_id)
            if latest.phase is Phase.DOWNLOADING and latest.attempt == job.attempt:
                return await self._mover.end_attempt(latest, error, may_retry=may_retry)
            job = latest  # somebody else carried it meanwhile, or called it off
        if ask:
            await self._ask_next(job)
        return job

    async def _carry(self, job: Job) -> Job:
        key, sidecar = await self._fetch(job)
        submission = await self._analyzer.submit(
            AnalysisRequest(
                job_id=job.id,
                attempt=job.attempt,
                reading=job.reading,
                supplier_id=job.supplier_id,
                supplier_name=job.supplier_name,
                key=key,
                file_type=sidecar.file_type,
                original_filename=sidecar.original_filename,
                sheet_name=job.source.sheet_name,
            )
        )
        analysis_id = submission.analysis_id if isinstance(submission, ReadElsewhere) else None
        size = sidecar.file_size_bytes
        figures = replace(job.progress, download_bytes=size, download_total=size)
        return await self._mover.move(
            replace(job, progress=figures), FileSubmitted(file_key=key, analysis_id=analysis_id)
        )

    async def _fetch(self, job: Job) -> tuple[FileKey, Sidecar]:
        """Store the job's file, have it judged, then write its sidecar."""
        limit = self._file_size_bytes_max
        async with self._sources.open(job.source, size_bytes_max=limit) as incoming:
            name = original_filename(
                job.source, announced=incoming.filename, supplier_name=job.supplier_name
            )
            key = file_key(job.id, at=self._clock.now(), filename=name)
            stored = await self._files.store(
                key, self._counted(job, incoming), size_bytes_max=limit
            )
        downloaded_at = self._clock.now()
        facts = await self._inspected(job, key, name, incoming.mime_type)
        sidecar = Sidecar(
            job_id=job.id,
            supplier_id=job.supplier_id,
            supplier_name=job.supplier_name,
            original_filename=name,
            source_url=job.source.location,
            source_type=job.source.type,
            file_type=facts.file_type,
            mime_type=incoming.mime_type or "application/octet-stream",
            file_size_bytes=stored.size_bytes,
            checksum_md5=stored.md5,
            checksum_sha256=stored.sha256,
            downloaded_at=downloaded_at,
            sniffed_type=facts.sniffed_type,
            formula_cells=facts.formula_cells,
            macros=facts.macros,
        )
        await self._files.attach(key, sidecar)
        return key, sidecar

    async def _inspected(
        self, job: Job, key: FileKey, name: str, mime_type: str | None
    ) -> FileFacts:
        """Return what the file is; one that is refused, or cannot be judged, does not stay."""
        try:
            return await self._inspector.inspect(
                key,
                filename=name,
                mime_type=mime_type,
                source_type=job.source.type,
                sheet_name=job.source.sheet_name,
            )
        except MarketbelError:
            await self._files.delete(key)
            raise

    async def _counted(self, job: Job, incoming: IncomingFile) -> AsyncIterator[bytes]:
        """Pass the chunks on, and show how many bytes came."""
        received = told = 0
        async for chunk in incoming.chunks:
            yield chunk
            received += len(chunk)
            if received - told >= _PROGRESS_STEP_BYTES:
                told = received
                figures = replace(
                    job.progress,
                    download_bytes=received,
                    download_total=incoming.size_bytes or 0,
                )
                await self._mover.progress(job, figures)

    async def _ask_next(self, job: Job) -> None:
        step = step_of(job)
        if isinstance(step, ImportStep):
            await self._queue.ask(step)
