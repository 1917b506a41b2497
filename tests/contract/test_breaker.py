"""The contract of `Breaker` over every adapter of it, by example and at random."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from marketbel_adapters.embedded import empty_redis_db
from marketbel_adapters.memory import ManualClock, MemoryBreaker
from marketbel_adapters.redis import RedisBreaker, create_redis
from marketbel_adapters.testing.breaker import BREAKER_POLICY, BreakerContract, LetPass
from marketbel_adapters.testing.breaker_machine import BreakerMachine
from marketbel_core.errors import ProtocolError, UnavailableError
from marketbel_core.jobs import Admitted, CircuitClosed, CircuitHalfOpen, CircuitOpen, Denied
from marketbel_core.ports import Breaker

_KEY: Final = "marketbel:breaker:tested"
_AT_RANDOM: Final = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
_AT_RANDOM_ON_A_SERVER: Final = settings(_AT_RANDOM, max_examples=50)


def ticking(clock: ManualClock) -> LetPass:
    async def tick(by: timedelta) -> None:
        clock.tick(by)

    return tick


def bringing_nearer(redis: Redis) -> LetPass:
    """Return what makes the instant that is waited for come sooner: the server's clock is real."""

    async def bring_nearer(by: timedelta) -> None:
        if await redis.hexists(_KEY, "until"):  # type: ignore[misc]  # the driver's stubs
            await redis.hincrby(_KEY, "until", -(by // timedelta(milliseconds=1)))  # type: ignore[misc]

    return bring_nearer


class TestMemoryBreaker(BreakerContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def breaker(self, clock: ManualClock) -> Breaker:
        return MemoryBreaker(clock, policy=BREAKER_POLICY)

    @pytest.fixture
    def let_pass(self, clock: ManualClock) -> LetPass:
        return ticking(clock)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.mark.valkey
class TestRedisBreaker(BreakerContract):
    @pytest.fixture
    def breaker(self, redis: Redis) -> Breaker:
        return RedisBreaker(redis, name="tested", policy=BREAKER_POLICY)

    @pytest.fixture
    async def other_breaker(self, redis_url: str) -> AsyncIterator[Breaker]:
        async with create_redis(redis_url) as client:
            yield RedisBreaker(client, name="tested", policy=BREAKER_POLICY)

    @pytest.fixture
    def let_pass(self, redis: Redis) -> LetPass:
        return bringing_nearer(redis)


def test_the_memory_breaker_is_the_model_whatever_happens() -> None:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[tuple[Breaker, LetPass]]:
        clock = ManualClock()
        yield MemoryBreaker(clock, policy=BREAKER_POLICY), ticking(clock)

    class Machine(BreakerMachine):
        def __init__(self) -> None:
            super().__init__(opened)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM)


@pytest.mark.valkey
def test_the_redis_breaker_is_the_model_whatever_happens(redis_url: str) -> None:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[tuple[Breaker, LetPass]]:
        empty_redis_db(redis_url)
        async with create_redis(redis_url) as redis:
            breaker = RedisBreaker(redis, name="tested", policy=BREAKER_POLICY)
            yield breaker, bringing_nearer(redis)

    class Machine(BreakerMachine):
        def __init__(self) -> None:
            super().__init__(opened)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM_ON_A_SERVER)


@pytest.mark.valkey
async def test_two_names_are_two_breakers(redis: Redis) -> None:
    one, other = RedisBreaker(redis, name="tested"), RedisBreaker(redis, name="ml-analyze")
    for _ in range(5):
        await _told(one, success=False)

    assert isinstance(await one.admit(), Denied)
    assert await other.admit() == Admitted(turn=0)
    assert await redis.keys("*") == [_KEY.encode()]


async def _told(breaker: Breaker, *, success: bool) -> bool:
    admitted = await breaker.admit()
    assert isinstance(admitted, Admitted)
    return await breaker.record(admitted, success=success)


@pytest.mark.valkey
async def test_what_is_sent_again_because_its_reply_was_lost_counts_once(redis: Redis) -> None:
    breaker = RedisBreaker(redis, name="tested", policy=BREAKER_POLICY)
    evalsha: Any = redis.evalsha
    asked: list[object] = []

    async def twice(*arguments: str | int) -> object:
        asked.append(await evalsha(*arguments))
        asked.append(await evalsha(*arguments))
        return asked[-1]

    for script in (breaker._admit.script, breaker._record.script):
        await redis.script_load(script)
    with patch.object(redis, "evalsha", twice):
        await _told(breaker, success=False)
        counted = await breaker.state()
        await _told(breaker, success=False)
        await _told(breaker, success=False)
        opened = await breaker.state()
        await bringing_nearer(redis)(BREAKER_POLICY.cool_down)
        probe = await breaker.admit()
        probing = await breaker.state()

    assert len(asked) == 14
    assert counted == CircuitClosed(failures=1)
    assert isinstance(opened, CircuitOpen)
    assert (opened.turn, opened.trips) == (1, 1)
    assert probe == Admitted(turn=2)
    assert isinstance(probing, CircuitHalfOpen)


@pytest.mark.valkey
async def test_a_state_that_went_with_redis_is_a_closed_circuit(redis: Redis) -> None:
    breaker = RedisBreaker(redis, name="tested", policy=BREAKER_POLICY)
    for _ in range(3):
        await _told(breaker, success=False)
    assert isinstance(await breaker.state(), CircuitOpen)

    await redis.flushdb()

    assert await breaker.state() == CircuitClosed()
    assert await breaker.admit() == Admitted(turn=0)


@pytest.mark.valkey
async def test_a_foreign_value_under_its_key_is_told_apart(redis: Redis) -> None:
    await redis.set(_KEY, "what is this?")
    breaker = RedisBreaker(redis, name="tested")

    for ask in (breaker.admit, breaker.state):
        with pytest.raises(ProtocolError) as caught:
            await ask()
        assert caught.value.code == "redis.wrong_type"


async def test_a_silent_server_is_unavailable() -> None:
    async with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        breaker = RedisBreaker(redis, name="tested")

        for call in (breaker.admit(), breaker.record(Admitted(turn=0), success=True)):
            with pytest.raises(UnavailableError) as caught:
                await call
            assert caught.value.code == "redis.unavailable"
