"""A price list sets out: its supplier is found, its job exists, the courier is asked."""

from dataclasses import dataclass, replace

from marketbel_core.catalog import SourceRef, SourceType, Supplier
from marketbel_core.errors import JobNotFoundError, RefusedError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake import read_source_config
from marketbel_core.jobs import Job, choose_reading, new_job
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    JobArchive,
    JobStore,
    StepQueue,
)
from marketbel_core.use_cases._job_mover import step_of

__all__ = ["StartIngestion", "StartRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """A price list that wants to be carried.

    Attributes:
        source: Where it rests; `None` takes the place that the supplier's own entry names.
        supplier_id: Wins over the name.
        supplier_name: Finds the supplier without regard to case; an unknown name makes one.
        read_here: Ask for local reading whatever the flags say.
        job_id: The job's id, when the caller has chosen one; the same id starts nothing twice.
        attempts_max: How many attempts the job has, at least 1.
    """

    source: SourceRef | None = None
    supplier_id: SupplierId | None = None
    supplier_name: str | None = None
    read_here: bool = False
    job_id: JobId | None = None
    attempts_max: int = 4


class StartIngestion:
    """Starts jobs. Safe to run twice with one job id: the second finds the first's job."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        archive: JobArchive,
        catalog: Catalog,
        queue: StepQueue,
        clock: Clock,
        ids: IdSource,
        ml_enabled: bool,
    ) -> None:
        self._jobs = jobs
        self._archive = archive
        self._catalog = catalog
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._ml_enabled = ml_enabled

    async def __call__(self, request: StartRequest, *, ask: bool = True) -> Job:
        """Return the job of the request, stored.

        Args:
            request: What is to be carried.
            ask: Whether to ask for the courier; `False` when the caller runs it itself.

        Raises:
            SupplierNotFoundError: `supplier_id` is unknown.
            RefusedError: the request names no supplier, or what the supplier's own entry says of
                its list is wrong (`job.invalid`); the request names no source and the entry has
                none either (`supplier.no_source`).
        """
        known = await self._known(request.job_id)
        if known is not None:
            if known.source.is_shortened and request.source is not None:
                await self._archive.record(replace(known, source=request.source))
            return await self._set_out(known, ask=ask)
        async with self._catalog.unit() as unit:
            supplier = await self._supplier(unit, request)
            source = request.source or _own_source(supplier)
        job = new_job(
            request.job_id or JobId(self._ids.new_id()),
            supplier_id=supplier.id,
            supplier_name=supplier.name,
            source=source,
            reading=choose_reading(
                local_asked=request.read_here,
                supplier_wish=supplier.use_ml_processing,
                ml_enabled=self._ml_enabled,
            ),
            now=self._clock.now(),
            attempts_max=request.attempts_max,
        )
        await self._archive.record(job)  # first: what Redis may lose is known here
        await self._jobs.add(job)
        return await self._set_out(await self._jobs.get(job.id), ask=ask)

    async def _known(self, job_id: JobId | None) -> Job | None:
        """Return the job when an earlier delivery made it: what it needs was looked up then."""
        if job_id is None:
            return None
        try:
            return await self._jobs.get(job_id)
        except JobNotFoundError:
            return None

    async def _set_out(self, job: Job, *, ask: bool) -> Job:
        step = step_of(job) if ask else None
        if step is not None:
            await self._queue.ask(step, not_before=job.not_before)
        return job

    async def _supplier(self, unit: CatalogUnit, request: StartRequest) -> Supplier:
        if request.supplier_id is not None:
            return await unit.suppliers.get(request.supplier_id)
        name = (request.supplier_name or "").strip()
        if not name:
            raise RefusedError("job.invalid", "name the supplier, by supplier_id or supplier_name")
        found = await unit.suppliers.find(name)
        if found is not None:
            return found
        return await unit.suppliers.add(
            Supplier(
                id=SupplierId(self._ids.new_id()),
                name=name[:255],
                source_type=request.source.type if request.source else SourceType.EXCEL,
            )
        )


def _own_source(supplier: Supplier) -> SourceRef:
    """Return the source and the layout that the neighbours keep with the supplier."""
    location = str(supplier.metadata.get("source_url") or "").strip()
    if not location:
        raise RefusedError(
            "supplier.no_source",
            f"supplier {supplier.name!r} has no source_url: set it, or name the file",
        )
    places = ("file_path", "file_url", "sheet_url", "spreadsheet_url")
    said = {name: value for name, value in supplier.metadata.items() if name not in places}
    name = f"the entry of supplier {supplier.name!r}"
    return read_source_config(said, source_type=supplier.source_type, name=name).source
