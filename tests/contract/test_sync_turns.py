"""The contract of `SyncTurns` on every board, and the pace at which a turn is renewed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from marketbel_adapters.memory import ManualClock, MemorySyncBoard
from marketbel_adapters.redis import RedisSyncBoard, create_redis
from marketbel_adapters.sync_turns import LeasedSyncTurns
from marketbel_adapters.testing.sync_board import LetPass
from marketbel_adapters.testing.sync_turns import SyncTurnsContract
from marketbel_core.ports import AtOnce, SyncBoard, SyncTurn, SyncTurns

HOUR = timedelta(hours=1)


class TestLeasedTurnsInMemory(SyncTurnsContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def board(self, clock: ManualClock) -> SyncBoard:
        return MemorySyncBoard(clock)

    @pytest.fixture
    def turns(self, board: SyncBoard) -> SyncTurns:
        return LeasedSyncTurns(board, lease=HOUR)

    @pytest.fixture
    def let_pass(self, clock: ManualClock) -> LetPass:
        async def tick(by: timedelta) -> None:
            clock.tick(by)

        return tick


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.mark.valkey
class TestLeasedTurnsInRedis(SyncTurnsContract):
    @pytest.fixture
    def board(self, redis: Redis) -> SyncBoard:
        return RedisSyncBoard(redis, shown=timedelta(minutes=1))

    @pytest.fixture
    def turns(self, board: SyncBoard) -> SyncTurns:
        return LeasedSyncTurns(board, lease=HOUR)

    @pytest.fixture
    def let_pass(self, redis: Redis) -> LetPass:
        async def bring_the_end_nearer(by: timedelta) -> None:
            command = ("HINCRBY", "marketbel:sync", "until_ms", -(by // timedelta(milliseconds=1)))
            await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the driver's
            await redis.delete("sync:lock", "sync:status")

        return bring_the_end_nearer


@pytest.mark.valkey
async def test_a_turn_is_shown_for_as_long_as_its_holder_lives(redis: Redis) -> None:
    turns = LeasedSyncTurns(RedisSyncBoard(redis), lease=HOUR)

    async with turns.take(AtOnce(task_id="mine", key="mine")) as turn:
        assert isinstance(turn, SyncTurn)
        await redis.delete("sync:lock", "sync:status")  # as a pause of a second does
        async with asyncio.timeout(30):
            while await redis.exists("sync:lock", "sync:status") != 2:
                await asyncio.sleep(0.01)

    assert not await redis.exists("sync:lock")
