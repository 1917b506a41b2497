"""How what a sync has left to be started is started: by the sync itself, or after its death."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from marketbel_core.catalog import Supplier
from marketbel_core.errors import DomainError, SupplierNotFoundError, UnavailableError
from marketbel_core.jobs import Reading
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    LogEntry,
    LogLevel,
    OutboxEntry,
    Telemetry,
)
from marketbel_core.use_cases._job_starter import JobStarter, own_source

__all__ = ["Drained", "OutboxDrain"]

_BATCH_MAX = 20
"""Entries between two looks at the lease: about a tenth of a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What was taken out of the outbox.

    Attributes:
        ml_job_ids: Jobs that ml-analyze shall read.
        local_job_ids: Jobs that are read here.
        errors: Why others could not be started, one sentence each.
    """

    ml_job_ids: tuple[str, ...] = ()
    local_job_ids: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def taken(self) -> int:
        """How many entries left the outbox."""
        return len(self.ml_job_ids) + len(self.local_job_ids) + len(self.errors)

    def plus(self, other: "Drained") -> "Drained":
        """Return both together."""
        return Drained(
            ml_job_ids=self.ml_job_ids + other.ml_job_ids,
            local_job_ids=self.local_job_ids + other.local_job_ids,
            errors=self.errors + other.errors,
        )


class OutboxDrain:
    """Starts the jobs of the outbox. An entry goes once its job is stored and asked for.

    Two at once, or one after a crash, start each job once: the entry names the job.
    """

    def __init__(
        self, *, starter: JobStarter, catalog: Catalog, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._starter = starter
        self._catalog = catalog
        self._clock = clock
        self._telemetry = telemetry

    async def __call__(self, goes_on: Callable[[int], Awaitable[bool]]) -> Drained:
        """Start what waits, until nothing does.

        Args:
            goes_on: Told after each batch how many entries were taken; `False` ends it.

        Raises:
            UnavailableError: a store cannot be reached; what was not started stays.
        """
        drained = Drained()
        while True:
            async with self._catalog.unit() as unit:
                entries = await unit.outbox.oldest(limit=_BATCH_MAX)
                suppliers = [await _known(unit, entry) for entry in entries]
            if not entries:
                return drained
            for entry, supplier in zip(entries, suppliers, strict=True):
                drained = drained.plus(await self._started(entry, supplier))
            async with self._catalog.unit() as unit:
                await unit.outbox.done([entry.job_id for entry in entries])
            if not await goes_on(drained.taken):
                return drained

    async def _started(self, entry: OutboxEntry, supplier: Supplier | None) -> Drained:
        """Start one job; a supplier whose job cannot be started stands in nobody's way."""
        try:
            job = await self._starter.known(entry.job_id)
            if job is not None:
                await self._starter.set_out(job)
            elif supplier is None:
                raise SupplierNotFoundError(entry.supplier_id)
            else:
                job = await self._starter.start(
                    entry.job_id, supplier=supplier, source=own_source(supplier)
                )
        except UnavailableError:
            raise
        except DomainError as error:
            await self._refused(entry, error)
            return Drained(errors=(str(error),))
        if job.reading is Reading.ML:
            return Drained(ml_job_ids=(str(job.id),))
        return Drained(local_job_ids=(str(job.id),))

    async def _refused(self, entry: OutboxEntry, error: DomainError) -> None:
        self._telemetry.event(
            "sync.not_started", supplier_id=str(entry.supplier_id), code=error.code
        )
        async with self._catalog.unit() as unit:
            line = LogEntry(
                task_id=str(entry.job_id),
                level=LogLevel.ERROR,
                message=str(error),
                key="not_started",
                supplier_id=entry.supplier_id,
                details={"code": error.code},
            )
            await unit.log.record([line], at=self._clock.now())


async def _known(unit: CatalogUnit, entry: OutboxEntry) -> Supplier | None:
    try:
        return await unit.suppliers.get(entry.supplier_id)
    except SupplierNotFoundError:
        return None  # deleted by a neighbour just now
