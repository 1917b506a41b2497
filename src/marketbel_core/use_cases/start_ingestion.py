"""A price list sets out: its supplier is found, its job exists, the courier is asked."""

from dataclasses import dataclass

from marketbel_core.catalog import SourceRef, SourceType, Supplier
from marketbel_core.errors import RefusedError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import Job
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    JobArchive,
    JobStore,
    StepQueue,
)
from marketbel_core.use_cases._job_starter import JobStarter, own_source

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
        self._catalog = catalog
        self._ids = ids
        self._starter = JobStarter(
            jobs=jobs, archive=archive, queue=queue, clock=clock, ml_enabled=ml_enabled
        )

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
        known = await self._starter.known(request.job_id, source=request.source)
        if known is not None:
            return await self._starter.set_out(known, ask=ask)
        async with self._catalog.unit() as unit:
            supplier = await self._supplier(unit, request)
            source = request.source or own_source(supplier)
        return await self._starter.start(
            request.job_id or JobId(self._ids.new_id()),
            supplier=supplier,
            source=source,
            read_here=request.read_here,
            attempts_max=request.attempts_max,
            ask=ask,
        )

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
