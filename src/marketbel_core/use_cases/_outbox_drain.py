"""How what a sync has left to be started is started: by the sync itself, or after its death."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from marketbel_core.catalog import Supplier
from marketbel_core.errors import DomainError, SupplierNotFoundError
from marketbel_core.ids import SupplierId
from marketbel_core.jobs import Job, Reading
from marketbel_core.ports import (
    Catalog,
    Clock,
    LogEntry,
    LogLevel,
    OutboxEntry,
    Telemetry,
)
from marketbel_core.use_cases._job_starter import JobStarter, own_source

__all__ = ["Drained", "OutboxDrain"]

type _Refusal = tuple[OutboxEntry, DomainError]

_BATCH_MAX: Final = 200
"""Entries between two looks at the lease: a few tenths of a second's work."""


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
                suppliers = await unit.suppliers.get_all([each.supplier_id for each in entries])
            if not entries:
                return drained
            jobs, refused = await self._started(entries, suppliers)
            async with self._catalog.unit() as unit:
                await unit.log.record([_line(*each) for each in refused], at=self._clock.now())
                await unit.outbox.done([entry.job_id for entry in entries])
            drained = drained.plus(_drained(jobs, refused))
            if not await goes_on(drained.taken):
                return drained

    async def _started(
        self, entries: Sequence[OutboxEntry], suppliers: Mapping[SupplierId, Supplier]
    ) -> tuple[list[Job], list[_Refusal]]:
        """Start the jobs; a supplier whose job cannot be started stands in nobody's way."""
        planned: list[Job] = []
        known: list[Job] = []
        refused: list[_Refusal] = []
        for entry in entries:
            try:
                planned.append(self._planned(entry, suppliers.get(entry.supplier_id)))
            except DomainError as error:
                job = await self._starter.known(entry.job_id)
                if job is not None:  # made by whoever died since, before the supplier changed
                    known.append(await self._starter.set_out(job))
                    continue
                self._telemetry.event(
                    "sync.not_started", supplier_id=str(entry.supplier_id), code=error.code
                )
                refused.append((entry, error))
        return [*known, *await self._starter.start_all(planned)], refused

    def _planned(self, entry: OutboxEntry, supplier: Supplier | None) -> Job:
        if supplier is None:
            raise SupplierNotFoundError(entry.supplier_id)  # deleted by a neighbour just now
        return self._starter.planned(entry.job_id, supplier=supplier, source=own_source(supplier))


def _drained(jobs: Sequence[Job], refused: Sequence[_Refusal]) -> Drained:
    return Drained(
        ml_job_ids=tuple(str(job.id) for job in jobs if job.reading is Reading.ML),
        local_job_ids=tuple(str(job.id) for job in jobs if job.reading is not Reading.ML),
        errors=tuple(str(error) for _, error in refused),
    )


def _line(entry: OutboxEntry, error: DomainError) -> LogEntry:
    return LogEntry(
        task_id=str(entry.job_id),
        level=LogLevel.ERROR,
        message=str(error),
        key="not_started",
        supplier_id=entry.supplier_id,
        details={"code": error.code},
    )
