"""A process that runs every sync that is due, by a clock that is wrong, and writes down each."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from typing import Final

from redis.asyncio import Redis

from marketbel_adapters.memory import (
    CountingIdSource,
    MemoryCatalog,
    MemoryJobArchive,
    MemoryJobStore,
    MemoryMasterSheet,
    MemoryStepQueue,
    RecordingTelemetry,
)
from marketbel_adapters.redis import RedisSyncBoard, create_redis
from marketbel_adapters.sync_turns import LeasedSyncTurns
from marketbel_adapters.system import SystemClock
from marketbel_core.ports import (
    Clock,
    SyncBusy,
    SyncNotDue,
    SyncTurn,
    SyncTurns,
    SyncWish,
    WhenDue,
)
from marketbel_core.use_cases import SyncRequest, SyncSuppliers

__all__ = ["EVERY", "HISTORY", "LEASE", "started"]

HISTORY: Final = "test:history"
EVERY: Final = timedelta(milliseconds=100)
LEASE: Final = timedelta(milliseconds=600)
_TICK_SECONDS: Final = 0.01
_WORK_SECONDS: Final = 0.02


class _WrongClock(Clock):
    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return SystemClock().now() + self._offset


class _WrittenBoard(RedisSyncBoard):
    """Writes down a success before it gives the turn back."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._history = redis

    async def finish(self, turn: SyncTurn, *, succeeded: bool) -> bool:
        if succeeded:
            await _written(self._history, "end", turn)
        return await super().finish(turn, succeeded=succeeded)


class _WrittenTurns(SyncTurns):
    """Writes down each turn as it begins."""

    def __init__(self, turns: SyncTurns, redis: Redis) -> None:
        self._turns = turns
        self._redis = redis

    @asynccontextmanager
    async def take(self, wish: SyncWish) -> AsyncGenerator[SyncTurn | SyncBusy | SyncNotDue]:
        async with self._turns.take(wish) as turn:
            if isinstance(turn, SyncTurn):
                await _written(self._redis, "begin", turn)
                await asyncio.sleep(_WORK_SECONDS)
            yield turn


async def _written(redis: Redis, event: str, turn: SyncTurn) -> None:
    line = {"event": event, "key": turn.key, "token": turn.token, "pid": os.getpid()}
    await redis.xadd(HISTORY, {name: str(value) for name, value in line.items()})


def started(redis_url: str, *, offset: timedelta) -> ForkServerProcess:
    """Return a process whose clock is off by `offset`; it runs due syncs until it is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_work, args=(redis_url, offset), daemon=True)
    process.start()
    return process


def _work(redis_url: str, offset: timedelta) -> None:
    asyncio.run(_sync_for_ever(redis_url, offset))


async def _sync_for_ever(redis_url: str, offset: timedelta) -> None:
    clock = _WrongClock(offset)
    async with create_redis(redis_url) as redis:
        board = _WrittenBoard(redis)
        syncing = SyncSuppliers(
            turns=_WrittenTurns(LeasedSyncTurns(board, lease=LEASE), redis),
            board=board,
            sheet=MemoryMasterSheet(),
            catalog=MemoryCatalog(),
            archive=MemoryJobArchive(),
            jobs=MemoryJobStore(clock),
            queue=MemoryStepQueue(clock),
            clock=clock,
            ids=CountingIdSource(),
            telemetry=RecordingTelemetry(),
            location=None,
            missing_share_max=0.5,
            ml_enabled=True,
        )
        while True:
            await syncing(SyncRequest(wish=WhenDue(every=EVERY), triggered_by="schedule"))
            await asyncio.sleep(_TICK_SECONDS)
