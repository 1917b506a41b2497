"""The turn to sync, kept alive beside the work, on any board."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from marketbel_adapters.beating import Beat, beating
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

_LEASE: Final = timedelta(seconds=10)
"""How long a worker that died keeps the others waiting."""

_BEATS: Final = 3
"""Renewals within one lease: two may get lost."""

_BEAT_MAX: Final = timedelta(seconds=0.25)
"""What is shown of a turn is right within a second: it goes with a holder that is silent."""


class LeasedSyncTurns(SyncTurns):
    """Claims at the beginning, renews several times a lease, gives back at the end."""

    def __init__(self, board: SyncBoard, *, lease: timedelta = _LEASE) -> None:
        """Hold turns of `board` for `lease`, however often they are renewed."""
        self._board = board
        self._lease = lease

    @asynccontextmanager
    async def take(self, wish: SyncWish) -> AsyncGenerator[SyncTurn | SyncBusy | SyncNotDue]:
        turn = await self._board.claim(wish, duration=self._lease)
        if not isinstance(turn, SyncTurn):
            yield turn
            return

        async def prolong() -> Beat:
            is_held = await self._board.renew(turn, duration=self._lease)
            return Beat.GOES_ON if is_held else Beat.LOST

        every = min(self._lease / _BEATS, _BEAT_MAX)
        try:
            async with beating(prolong, every=every, lost=lambda: StaleSyncError(turn.task_id)):
                yield turn
        finally:
            await asyncio.shield(self._give_back(turn))

    async def _give_back(self, turn: SyncTurn) -> None:
        try:
            await self._board.finish(turn, succeeded=False)  # nothing, when it was finished
        except UnavailableError:
            return  # it expires by itself
