"""What follows an import by hand: its items are matched, and lowest prices computed anew."""

from typing import Final

from marketbel_core.ports import Catalog, Clock, MatchStep, RecalculateStep, StepQueue

__all__ = ["FollowImports"]

_BATCH_MAX: Final = 20


class FollowImports:
    """Asks for the steps that no job asks for. Safe to run at any time, by any number of workers.

    Whoever imports by hand needs the database alone; the steps are asked for from here. One that
    is asked for twice, after a crash, runs once or changes nothing.
    """

    def __init__(self, *, catalog: Catalog, queue: StepQueue, clock: Clock) -> None:
        self._catalog = catalog
        self._queue = queue
        self._clock = clock

    async def __call__(self) -> int:
        """Return for how many imports steps were asked.

        Raises:
            UnavailableError: the catalogue or the queue cannot be reached; what was not asked for
                is asked for the next time.
        """
        followed = 0
        while True:
            async with self._catalog.unit() as unit:
                waiting = await unit.imports.to_follow(limit=_BATCH_MAX)
            if not waiting:
                return followed
            for record in waiting:
                supplier_id, at = record.supplier_id, record.noted_at
                await self._queue.ask(MatchStep(supplier_id=supplier_id, asked_at=at))
                await self._queue.ask(RecalculateStep(supplier_id=supplier_id, asked_at=at))
            async with self._catalog.unit() as unit:
                ids = [record.id for record in waiting]
                await unit.imports.followed(ids, at=self._clock.now())
            followed += len(waiting)
