"""Jobs held while a step works on them: the lease is kept alive beside the work, on any store."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from marketbel_adapters.beating import Beat, beating
from marketbel_core.errors import StaleJobError, UnavailableError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job
from marketbel_core.ports import JobHolds, JobStore, Renewal

__all__ = ["LeasedJobHolds"]

_LEASE: Final = timedelta(seconds=30)
"""Long beside a pause of the machine, short beside the patience of who waits for the price."""

_BEATS: Final = 3
"""Renewals within one lease: two may get lost."""

_BEAT_OF: Final = {
    Renewal.HELD: Beat.GOES_ON,
    Renewal.ENDED: Beat.ENDED,
    Renewal.LOST: Beat.LOST,
}


class LeasedJobHolds(JobHolds):
    """Claims at the beginning, renews three times a lease, gives back at the end."""

    def __init__(
        self,
        store: JobStore,
        *,
        lease: timedelta = _LEASE,
        on_lost: Callable[[JobId], None] | None = None,
    ) -> None:
        """Hold the jobs of `store`; `on_lost` is told of each hold that somebody else took."""
        self._store = store
        self._lease = lease
        self._on_lost = on_lost

    @asynccontextmanager
    async def hold(self, job_id: JobId) -> AsyncGenerator[Job | None]:
        job = await self._store.claim(job_id, duration=self._lease)
        if job is None:
            yield None
            return

        async def prolong() -> Beat:
            return _BEAT_OF[await self._store.renew(job, duration=self._lease)]

        def lost() -> StaleJobError:
            if self._on_lost is not None:
                self._on_lost(job_id)
            version = job.version
            return StaleJobError(job_id, expected_version=version, stored_version=version)

        try:
            async with beating(prolong, every=self._lease / _BEATS, lost=lost):
                yield job
        finally:
            await asyncio.shield(self._give_back(job))

    async def _give_back(self, job: Job) -> None:
        try:
            await self._store.release(job)
        except UnavailableError:
            return  # it expires by itself
