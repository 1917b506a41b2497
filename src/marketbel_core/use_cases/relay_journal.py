"""The relay: what happened to jobs goes from the store's journal into the archive, for good."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketbel_core.ports import Clock, JobArchive, JobJournal, Leases

__all__ = ["RelayJournal", "RelayResult"]

_BATCH_MAX: Final = 100
"""Lines a transaction: encoding them keeps the event loop busy for 20 ms or so."""

_LEASE_NAME: Final = "journal"
_LEASE_DURATION: Final = timedelta(seconds=60)

_KEPT_FOR: Final = timedelta(days=90)
"""Lines older than this are nobody's question any more; jobs are kept."""

_FORGOTTEN_MAX: Final = 1_000
"""Lines a round: a round stays short, and a day's worth is forgotten within the hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayResult:
    """What a round did.

    Attributes:
        relayed: Lines that are in the archive now and left the journal.
        forgotten: Lines of the archive that had become too old.
        skipped: Whether another worker's round was under way.
    """

    relayed: int = 0
    forgotten: int = 0
    skipped: bool = False


class RelayJournal:
    """Empties the journal into the archive. Safe to run twice, and to break off anywhere.

    A line leaves the journal once the archive has committed it, and the archive keeps each line
    once: the lease only saves two workers from doing the same.
    """

    def __init__(
        self, *, journal: JobJournal, archive: JobArchive, leases: Leases, clock: Clock
    ) -> None:
        self._journal = journal
        self._archive = archive
        self._leases = leases
        self._clock = clock

    async def __call__(self) -> RelayResult:
        """Relay until nothing is left.

        Raises:
            UnavailableError: journal or archive cannot be reached; what is not in the archive
                stays in the journal.
        """
        lease = await self._leases.acquire(_LEASE_NAME, duration=_LEASE_DURATION)
        if lease is None:
            return RelayResult(skipped=True)
        try:
            relayed = 0
            while entries := await self._journal.read(limit=_BATCH_MAX):
                await self._archive.apply(entries)
                await self._journal.trim(through=entries[-1].position)
                relayed += len(entries)
                if await self._leases.renew(lease, duration=_LEASE_DURATION) is None:
                    return RelayResult(relayed=relayed)  # another worker goes on from here
            forgotten = await self._archive.forget(
                before=self._clock.now() - _KEPT_FOR, limit=_FORGOTTEN_MAX
            )
            return RelayResult(relayed=relayed, forgotten=forgotten)
        finally:
            await self._leases.release(lease)
