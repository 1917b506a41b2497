"""What the admin interface wants read becomes jobs, and none of its wishes is lost."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from marketbel_core.catalog import SourceType, Supplier
from marketbel_core.errors import DomainError, RefusedError, SupplierNotFoundError
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.intake import ParseTaskMessage, parse_message, source_of, stored_name
from marketbel_core.ports import (
    Catalog,
    CatalogUnit,
    Clock,
    IdSource,
    Inbox,
    JobArchive,
    JobStore,
    Leases,
    StepQueue,
    Telemetry,
    Tray,
)
from marketbel_core.use_cases._job_starter import JobStarter, own_source

__all__ = ["TakeLists", "TakenLists"]

_TRAYS: Final = (Tray.PARSE_TRIGGERS, Tray.PARSE_TASKS)
_LEASE_NAME: Final = "inbox:lists"
_LEASE_DURATION: Final = timedelta(seconds=10)
"""Renewed with each message: so long a taker that died keeps the others away."""

_BATCH_MAX: Final = 50
_JOBS: Final = UUID("5c1ee0fd-9f9c-5d7e-9c3c-6a1d4f1d2a77")
_SEPARATOR: Final = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenLists:
    """What a round did: jobs that were started, and messages that were of no use."""

    started: int = 0
    rejected: int = 0


class TakeLists:
    """Starts a job for each upload and each wish to fetch one supplier's list.

    One taker at a time; a crash loses none and starts none twice: the job is called after the
    message. The flags decide who reads, as for a supplier that is synced.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        catalog: Catalog,
        jobs: JobStore,
        archive: JobArchive,
        leases: Leases,
        queue: StepQueue,
        clock: Clock,
        ids: IdSource,
        telemetry: Telemetry,
        ml_enabled: bool,
    ) -> None:
        self._inbox = inbox
        self._catalog = catalog
        self._leases = leases
        self._ids = ids
        self._telemetry = telemetry
        self._starter = JobStarter(
            jobs=jobs, archive=archive, queue=queue, clock=clock, ml_enabled=ml_enabled
        )

    async def __call__(self) -> TakenLists:
        """Take what waits; another worker that is at it is left to it.

        Raises:
            UnavailableError: a store cannot be reached; what was not acknowledged comes again.
        """
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            return TakenLists()
        started = rejected = 0
        try:
            for tray in _TRAYS:
                for message in await self._inbox.take(tray, limit=_BATCH_MAX):
                    await self._leases.renew(lease, duration=_LEASE_DURATION)
                    if await self._is_started(tray, message):
                        started += 1
                    else:
                        rejected += 1
        finally:
            await self._leases.release(lease)
        return TakenLists(started=started, rejected=rejected)

    async def _is_started(self, tray: Tray, message: str) -> bool:
        """Start the job of the message, or lay the message aside; return which of both."""
        try:
            await self._start(tray, message)
        except DomainError as error:
            self._telemetry.event("trigger.rejected", reason=str(error)[:200], code=error.code)
            await self._inbox.reject(tray, message, reason=f"{error.code}: {error}"[:500])
            return False
        await self._inbox.done(tray, message)
        return True

    async def _start(self, tray: Tray, message: str) -> None:
        raw = message.encode(errors="surrogateescape")
        job_id = JobId(uuid5(_JOBS, f"{tray.value}\n{raw.hex()}"))
        said = parse_message(raw)
        source = source_of(said.source_config) if said.source_config else None
        known = await self._starter.known(job_id, source=source)
        if known is not None:
            await self._starter.set_out(known)
            return
        if source is None and said.supplier_id is None:
            raise RefusedError("job.invalid", "source_config is missing: say where the list is")
        async with self._catalog.unit() as unit:
            supplier = await self._supplier(unit, said)
        await self._starter.start(
            job_id,
            supplier=supplier,
            source=source or own_source(supplier),
            read_here=_wants_local(raw),
        )

    async def _supplier(self, unit: CatalogUnit, said: ParseTaskMessage) -> Supplier:
        """Return who is meant: by the id that is said or stands in the file's name, else by name.

        An unknown name makes a supplier.
        """
        for supplier_id in _ids_in(said):
            try:
                return await unit.suppliers.get(supplier_id)
            except SupplierNotFoundError:
                if said.supplier_name is None:
                    raise
        name = said.supplier_name or ""
        found = await unit.suppliers.find(name)
        if found is not None:
            return found
        return await unit.suppliers.add(
            Supplier(
                id=SupplierId(self._ids.new_id()),
                name=name,
                source_type=said.source_type or SourceType.EXCEL,
            )
        )


def _wants_local(raw: bytes) -> bool:
    """Tell whether the message says in so many words that ml-analyze shall not read the list."""
    config = json.loads(raw).get("source_config")
    return isinstance(config, dict) and config.get("use_ml_processing") is False


def _ids_in(said: ParseTaskMessage) -> list[SupplierId]:
    ids = [SupplierId(said.supplier_id)] if said.supplier_id else []
    if said.source_config is not None:
        name = _SEPARATOR.split(said.source_config.location)[-1]
        named = stored_name(name)
        ids += [SupplierId(named.owner)] if named else []
    return ids
