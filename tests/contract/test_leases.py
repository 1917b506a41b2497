"""The contract of `Leases` over every adapter of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from marketbel_adapters.memory.environment import ManualClock
from marketbel_adapters.memory.leases import MemoryLeases
from marketbel_adapters.redis import RedisLeases, create_redis
from marketbel_adapters.testing.leases import LeasesContract, LetPass
from marketbel_core.errors import ProtocolError, UnavailableError
from marketbel_core.ports import Leases

_MINUTE: Final = timedelta(minutes=1)


class TestMemoryLeases(LeasesContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def leases(self, clock: ManualClock) -> Leases:
        return MemoryLeases(clock)

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
class TestRedisLeases(LeasesContract):
    @pytest.fixture
    def leases(self, redis: Redis) -> Leases:
        return RedisLeases(redis)

    @pytest.fixture
    async def other_leases(self, redis_url: str) -> AsyncIterator[Leases]:
        async with create_redis(redis_url) as client:
            yield RedisLeases(client)

    @pytest.fixture
    def let_pass(self, redis: Redis) -> LetPass:
        async def bring_expiries_nearer(by: timedelta) -> None:
            async for key in redis.scan_iter("marketbel:lease:*"):
                left = await redis.pttl(key)
                await redis.pexpire(key, left - by // timedelta(milliseconds=1))

        return bring_expiries_nearer


@pytest.mark.valkey
async def test_the_lease_key_goes_at_the_instant_that_the_holder_was_told(redis: Redis) -> None:
    lease = await RedisLeases(redis).acquire("sync", duration=_MINUTE)

    assert lease is not None
    command = ("PEXPIRETIME", "marketbel:lease:sync")
    expires_ms = await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the driver's
    assert expires_ms == lease.expires_at.timestamp() * 1000


@pytest.mark.valkey
async def test_a_duration_below_a_millisecond_is_rounded_up(redis: Redis) -> None:
    lease = await RedisLeases(redis).acquire("sync", duration=timedelta(microseconds=1))

    assert lease is not None


@pytest.mark.valkey
async def test_a_lease_whose_first_reply_was_lost_is_granted_all_the_same(redis: Redis) -> None:
    leases = RedisLeases(redis)
    evalsha: Any = redis.evalsha
    asked = []

    async def twice(*arguments: str | int) -> object:
        asked.append(await evalsha(*arguments))
        asked.append(await evalsha(*arguments))
        return asked[-1]

    await redis.script_load(leases._acquire.script)
    with patch.object(redis, "evalsha", twice):
        lease = await leases.acquire("sync", duration=_MINUTE)

    assert len(asked) == 2
    assert lease is not None
    assert lease.token == 1
    assert await leases.acquire("sync", duration=_MINUTE) is None


@pytest.mark.valkey
async def test_a_foreign_value_under_a_leases_key_is_told_apart(redis: Redis) -> None:
    await redis.set("marketbel:lease:sync", "what is this?")

    with pytest.raises(ProtocolError) as caught:
        await RedisLeases(redis).acquire("sync", duration=_MINUTE)

    assert caught.value.code == "redis.wrong_type"


async def test_a_silent_server_is_unavailable() -> None:
    async with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        leases = RedisLeases(redis)

        with pytest.raises(UnavailableError) as caught:
            await leases.acquire("sync", duration=_MINUTE)

    assert caught.value.code == "redis.unavailable"
    assert isinstance(caught.value.__cause__, RedisConnectionError)
