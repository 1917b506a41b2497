"""The courier carries a file from its source to the file store and has it read; it never looks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from marketbel_core.catalog import SourceRef, shown_location
from marketbel_core.errors import MarketbelError, UnavailableError
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake.stored_file import (
    FileFacts,
    Sidecar,
    file_key,
    original_filename,
)
from marketbel_core.jobs import DownloadStarted, FileStored, FileSubmitted, Job, Phase
from marketbel_core.ports import (
    Analyzer,
    Clock,
    FileInspector,
    FileSource,
    FileStore,
    ImportStep,
    IncomingFile,
    JobArchive,
    ReadElsewhere,
    StepQueue,
)
from marketbel_core.use_cases._job_mover import JobMover, analysis_request, step_of

__all__ = ["Courier"]

_PROGRESS_STEP_BYTES: Final = 1024 * 1024
"""Often enough for a person who watches; each update is a round trip."""


class Courier:
    """Fetches one job's file. Safe to run twice: one at a time holds the job."""

    def __init__(
        self,
        *,
        mover: JobMover,
        archive: JobArchive,
        sources: FileSource,
        files: FileStore,
        inspector: FileInspector,
        analyzer: Analyzer,
        queue: StepQueue,
        clock: Clock,
        file_size_bytes_max: int,
    ) -> None:
        self._mover = mover
        self._archive = archive
        self._sources = sources
        self._files = files
        self._inspector = inspector
        self._analyzer = analyzer
        self._queue = queue
        self._clock = clock
        self._file_size_bytes_max = file_size_bytes_max

    async def __call__(
        self, job_id: JobId, *, attempt: int | None = None, ask: bool = True
    ) -> Job:
        """Return the job after its file was carried, or after it was deferred or failed.

        A job that is past downloading is not carried again; its next step is asked for again, in
        case that ask was lost.

        Args:
            job_id: Whose file.
            attempt: The attempt that asked; another one is left alone. `None` means any.
            ask: Whether to ask for the next step; `False` when the caller runs it itself.

        Raises:
            JobNotFoundError: there is no such job.
            UnavailableError: the job store or the queue cannot be reached.
        """
        async with self._mover.hold(job_id, phase=Phase.DOWNLOADING, attempt=attempt) as job:
            if job is not None:
                await self._carry(await self._mover.move(job, DownloadStarted()))
        job = await self._mover.load(job_id)
        if ask and attempt in {None, job.attempt}:
            await self._ask_next(job)
        return job

    async def _carry(self, job: Job) -> Job:
        kept = await self._kept(job)
        if kept is None:
            kept = await self._fetch(job)
            job = await self._mover.move(job, FileStored(file_key=kept[0]))
        key, sidecar = kept
        submission = await self._analyzer.submit(analysis_request(job, key, sidecar))
        analysis_id = submission.analysis_id if isinstance(submission, ReadElsewhere) else None
        size = sidecar.file_size_bytes
        figures = replace(job.progress, download_bytes=size, download_total=size)
        return await self._mover.move(
            replace(job, progress=figures), FileSubmitted(file_key=key, analysis_id=analysis_id)
        )

    async def _kept(self, job: Job) -> tuple[FileKey, Sidecar] | None:
        """Return the file that an earlier try has stored, if it is still there as it came."""
        if job.file_key is None or not await self._files.verify(job.file_key):
            return None
        sidecar = await self._files.sidecar(job.file_key)
        return None if sidecar is None else (job.file_key, sidecar)

    async def _source(self, job: Job) -> SourceRef:
        """Return the job's source with its whole address, which only the archive has."""
        source = await self._archive.source_of(job.id) or job.source
        if source.is_shortened:
            raise UnavailableError(
                "the job's whole address has not reached the archive yet", code="job.not_archived"
            )
        return source

    async def _fetch(self, job: Job) -> tuple[FileKey, Sidecar]:
        """Store the job's file, have it judged, then write its sidecar."""
        limit = self._file_size_bytes_max
        source = await self._source(job)
        async with self._sources.open(source, size_bytes_max=limit) as incoming:
            name = original_filename(
                source, announced=incoming.filename, supplier_name=job.supplier_name
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
            source_url=shown_location(source.location),
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
