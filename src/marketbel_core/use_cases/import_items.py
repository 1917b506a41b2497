"""The import step: a file that is read here becomes items of the catalogue, in one transaction."""

from dataclasses import dataclass, field, replace

from marketbel_core.errors import RefusedError
from marketbel_core.ids import JobId
from marketbel_core.intake.plan import ImportFigures
from marketbel_core.jobs import ItemsParsed, Job, Phase
from marketbel_core.ports import FileStore, Import, ImportState, MatchStep, StepQueue
from marketbel_core.use_cases._job_mover import JobMover, step_of
from marketbel_core.use_cases._list_importer import ListImporter
from marketbel_core.use_cases._list_to_import import ListToImport

__all__ = ["ImportItems", "ImportResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did.

    Attributes:
        job: As it is stored afterwards.
        figures: What changed in the catalogue; all 0 when this call imported nothing.
    """

    job: Job
    figures: ImportFigures = field(default_factory=ImportFigures)

    @property
    def rejected(self) -> int:
        """How many rows gave no item: rejected ones and products without a price."""
        return self.figures.rejected + self.figures.no_price


class ImportItems:
    """Imports one job's file. Safe to run twice: the same bytes again are a no-op.

    An import beyond the supplier's safety limits is held: the job fails with `import.held`, and
    the next attempt applies the same bytes if a person has approved them meanwhile.
    """

    def __init__(
        self,
        *,
        mover: JobMover,
        files: FileStore,
        importer: ListImporter,
        queue: StepQueue,
    ) -> None:
        self._mover = mover
        self._files = files
        self._importer = importer
        self._queue = queue

    async def __call__(self, job_id: JobId, *, attempt: int | None = None) -> ImportResult:
        """Bring the job's items into the catalogue, or end its attempt.

        Args:
            job_id: Whose file.
            attempt: The attempt that asked; another one is left alone. `None` means any.

        Raises:
            JobNotFoundError: there is no such job.
            UnavailableError: the job store or the queue cannot be reached.
        """
        figures = ImportFigures()
        async with self._mover.hold(job_id, phase=Phase.ANALYZING, attempt=attempt) as job:
            if job is not None and job.analysis_id is None:
                figures = await self._import(job)
        job = await self._mover.load(job_id)
        step = step_of(job)
        if isinstance(step, MatchStep) and attempt in {None, job.attempt}:
            await self._queue.ask(step)
        return ImportResult(job=job, figures=figures)

    async def _import(self, job: Job) -> ImportFigures:
        """Return what changed in the catalogue.

        Raises:
            RefusedError: the import is held (`import.held`), or the list is none.
        """
        record = await self._importer.carry_out(await self._stored(job))
        if record.state is ImportState.HELD:
            raise RefusedError("import.held", _sentence(record))
        figures = record.figures
        progress = replace(
            job.progress,
            items_processed=figures.read,
            items_total=figures.read,
            error_count=figures.rejected + figures.no_price,
        )
        await self._mover.move(replace(job, progress=progress), ItemsParsed())
        return figures

    async def _stored(self, job: Job) -> ListToImport:
        key = job.file_key
        sidecar = await self._files.sidecar(key) if key else None
        if key is None or sidecar is None:
            raise RefusedError("storage.missing", "the stored file is gone: retry to fetch it")
        return ListToImport(
            supplier=job.supplier_id,
            key=key,
            file_type=sidecar.file_type,
            source_name=sidecar.original_filename,
            sha256=sidecar.checksum_sha256,
            sheet_name=job.source.sheet_name,
            layout=job.source.layout,
            job_id=job.id,
            attempt=job.attempt,
        )


def _sentence(record: Import) -> str:
    why = "; ".join(reason.message for reason in record.reasons)
    return f"{why}: nothing was changed; `marketbel imports approve {record.id}` applies it"
