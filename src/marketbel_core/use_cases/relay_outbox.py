"""What a sync has left behind is started all the same, whoever died in between."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketbel_core.ports import (
    Catalog,
    Clock,
    JobArchive,
    JobStore,
    Leases,
    StepQueue,
    SyncBoard,
    SyncState,
    Telemetry,
)
from marketbel_core.use_cases._job_starter import JobStarter
from marketbel_core.use_cases._outbox_drain import OutboxDrain

__all__ = ["RelayOutbox", "RelayedOutbox"]

_LEASE_NAME: Final = "outbox"
_LEASE_DURATION: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedOutbox:
    """What a round did: jobs started, and entries whose job could not be started."""

    started: int = 0
    refused: int = 0


class RelayOutbox:
    """Empties the outbox. One at a time; a crash loses nothing and starts nothing twice."""

    def __init__(
        self,
        *,
        board: SyncBoard,
        catalog: Catalog,
        jobs: JobStore,
        archive: JobArchive,
        leases: Leases,
        queue: StepQueue,
        clock: Clock,
        telemetry: Telemetry,
        ml_enabled: bool,
    ) -> None:
        self._board = board
        self._leases = leases
        starter = JobStarter(
            jobs=jobs, archive=archive, queue=queue, clock=clock, ml_enabled=ml_enabled
        )
        self._drain = OutboxDrain(
            starter=starter, catalog=catalog, clock=clock, telemetry=telemetry
        )

    async def __call__(self) -> RelayedOutbox:
        """Start what waits; another worker that is at it is left to it, and so is a sync.

        Raises:
            UnavailableError: a store cannot be reached; what was not started comes again.
        """
        if (await self._board.view()).state is not SyncState.IDLE:
            return RelayedOutbox()  # the sync empties it itself, and counts what it starts
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            return RelayedOutbox()

        async def goes_on(_: int) -> bool:
            return await self._leases.renew(lease, duration=_LEASE_DURATION) is not None

        try:
            drained = await self._drain(goes_on)
        finally:
            await self._leases.release(lease)
        return RelayedOutbox(
            started=drained.taken - len(drained.errors), refused=len(drained.errors)
        )
