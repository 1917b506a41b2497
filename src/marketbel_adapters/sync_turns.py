"""The turn to sync, kept alive beside the work, on any board."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from marketbel_core.errors import StaleSyncError, UnavailableError
from marketbel_core.ports import (
    SyncBoard,
    SyncBusy,
    SyncNotDue,
    SyncTurn,
    SyncTurns,
    SyncWish,
)

__all__ = ["LeasedSyncTurns"]

_LEASE: Final = timedelta(seconds=30)
"""How long a worker that died goes on being shown as one that syncs."""

_BEATS: Final = 3
"""Renewals within one lease: two may get lost."""


class LeasedSyncTurns(SyncTurns):
    """Claims at the beginning, renews three times a lease, gives back at the end."""

    def __init__(self, board: SyncBoard, *, lease: timedelta = _LEASE) -> None:
        self._board = board
        self._lease = lease

    @asynccontextmanager
    async def take(self, wish: SyncWish) -> AsyncGenerator[SyncTurn | SyncBusy | SyncNotDue]:
        turn = await self._board.claim(wish, duration=self._lease)
        if not isinstance(turn, SyncTurn):
            yield turn
            return
        work = asyncio.timeout(None)
        try:
            async with work:
                beat = asyncio.create_task(self._beat(turn, work))
                try:
                    yield turn
                finally:
                    beat.cancel()
                    await asyncio.gather(beat, return_exceptions=True)
        except TimeoutError as error:
            if not work.expired():
                raise
            raise StaleSyncError(turn.task_id) from error
        finally:
            await asyncio.shield(self._give_back(turn))

    async def _beat(self, turn: SyncTurn, work: asyncio.Timeout) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / _BEATS)
            try:
                is_held = await self._board.renew(turn, duration=self._lease)
            except UnavailableError:
                continue  # what was applied is known by its token when the board is back
            if not is_held:
                work.reschedule(asyncio.get_running_loop().time())
                return

    async def _give_back(self, turn: SyncTurn) -> None:
        try:
            await self._board.finish(turn, succeeded=False)  # nothing, when it was finished
        except UnavailableError:
            return  # it expires by itself
