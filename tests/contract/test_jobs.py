"""The contract of `JobStore` and `JobJournal` over every adapter, by example and at random."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from redis.asyncio import Redis

from marketbel_adapters.embedded import empty_redis_db
from marketbel_adapters.memory.environment import ManualClock
from marketbel_adapters.memory.jobs import MemoryJobJournal, MemoryJobStore
from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, create_redis
from marketbel_adapters.testing.job_machine import JobMachine
from marketbel_adapters.testing.job_store_machine import JobStoreMachine, OpenedJobs
from marketbel_adapters.testing.jobs import JobStoreContract, LetPass
from marketbel_core.jobs import Phase
from marketbel_core.ports import JobJournal, JobStore

_AT_RANDOM: Final = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
_AT_RANDOM_ON_A_SERVER: Final = settings(_AT_RANDOM, max_examples=50, stateful_step_count=30)


def _ticking(clock: ManualClock) -> LetPass:
    async def tick(by: timedelta) -> None:
        clock.tick(by)

    return tick


def _nearer(redis: Redis) -> LetPass:
    async def bring_expiries_nearer(by: timedelta) -> None:
        for member in await redis.zrange("marketbel:leases", 0, -1):
            await redis.zincrby("marketbel:leases", -by // timedelta(milliseconds=1), member)

    return bring_expiries_nearer


class TestMemoryJobStore(JobStoreContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def journal(self) -> JobJournal:
        return MemoryJobJournal()

    @pytest.fixture
    def store(self, clock: ManualClock, journal: MemoryJobJournal) -> JobStore:
        return MemoryJobStore(clock, journal=journal)

    @pytest.fixture
    def let_pass(self, clock: ManualClock) -> LetPass:
        return _ticking(clock)


@pytest.mark.valkey
class TestRedisJobStore(JobStoreContract):
    @pytest.fixture
    async def redis(self, redis_url: str) -> AsyncIterator[Redis]:
        async with create_redis(redis_url) as redis:
            yield redis

    @pytest.fixture
    def store(self, redis: Redis) -> JobStore:
        return RedisJobStore(redis)

    @pytest.fixture
    async def other_store(self, redis_url: str) -> AsyncIterator[JobStore]:
        async with create_redis(redis_url) as redis:
            yield RedisJobStore(redis)

    @pytest.fixture
    def journal(self, redis: Redis) -> JobJournal:
        return RedisJobJournal(redis)

    @pytest.fixture
    def let_pass(self, redis: Redis) -> LetPass:
        return _nearer(redis)


class RedisJobStoreMachine(JobStoreMachine):
    """The store's machine, which looks at the keys themselves as well."""

    def __init__(self, redis_url: str) -> None:
        empty_redis_db(redis_url)
        self.redis = create_redis(redis_url)
        super().__init__(self._open_jobs)

    @asynccontextmanager
    async def _open_jobs(self) -> AsyncGenerator[OpenedJobs]:
        async with self.redis as redis:
            yield OpenedJobs(
                store=RedisJobStore(redis),
                journal=RedisJobJournal(redis),
                let_pass=_nearer(redis),
            )

    @invariant()
    def the_keys_agree(self) -> None:
        self.runner.run(self._compare_keys())

    async def _compare_keys(self) -> None:
        pipeline = self.redis.pipeline()
        pipeline.smembers("jobs:active")
        for phase in Phase:
            pipeline.zcard(f"marketbel:jobs:{phase}")
        active, *counts = await pipeline.execute()
        jobs = self.model.values()
        assert active == {str(job.id).encode() for job in jobs if job.is_active}
        assert counts == [len(self.remembered_in(phase)) for phase in Phase]
        refused = await RedisJobStore(self.redis).refused()
        assert refused == {"stale": self.stale, "illegal": self.illegal}


def test_the_job_keeps_its_promises_whatever_happens() -> None:
    run_state_machine_as_test(JobMachine, settings=_AT_RANDOM)


def test_the_memory_store_behaves_like_a_dict() -> None:
    @asynccontextmanager
    async def open_jobs() -> AsyncGenerator[OpenedJobs]:
        clock = ManualClock()
        store = MemoryJobStore(clock)
        yield OpenedJobs(store=store, journal=store.journal, let_pass=_ticking(clock))

    class Machine(JobStoreMachine):
        def __init__(self) -> None:
            super().__init__(open_jobs)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM)


@pytest.mark.valkey
def test_the_redis_store_behaves_like_a_dict(redis_url: str) -> None:
    class Machine(RedisJobStoreMachine):
        def __init__(self) -> None:
            super().__init__(redis_url)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM_ON_A_SERVER)
