"""The contract of `JobStore` over every adapter of it, by example and at random."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from marketbel_adapters.embedded import empty_redis_db
from marketbel_adapters.memory.jobs import MemoryJobStore
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.testing.job_machine import JobMachine, JobStoreMachine
from marketbel_adapters.testing.jobs import JobStoreContract
from marketbel_core.jobs import Phase
from marketbel_core.ports import JobStore

_AT_RANDOM: Final = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
_AT_RANDOM_ON_A_SERVER: Final = settings(_AT_RANDOM, max_examples=50, stateful_step_count=30)


class TestMemoryJobStore(JobStoreContract):
    @pytest.fixture
    def store(self) -> JobStore:
        return MemoryJobStore()


@pytest.mark.valkey
class TestRedisJobStore(JobStoreContract):
    @pytest.fixture
    async def store(self, redis_url: str) -> AsyncIterator[JobStore]:
        async with create_redis(redis_url) as redis:
            yield RedisJobStore(redis)

    @pytest.fixture
    async def other_store(self, redis_url: str) -> AsyncIterator[JobStore]:
        async with create_redis(redis_url) as redis:
            yield RedisJobStore(redis)


class RedisJobStoreMachine(JobStoreMachine):
    """The store's machine, which looks at the keys themselves as well."""

    def __init__(self, redis_url: str) -> None:
        empty_redis_db(redis_url)
        self.redis = create_redis(redis_url)
        super().__init__(self._open_store)

    @asynccontextmanager
    async def _open_store(self) -> AsyncGenerator[JobStore]:
        async with self.redis:
            yield RedisJobStore(self.redis)

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


def test_the_job_keeps_its_promises_whatever_happens() -> None:
    run_state_machine_as_test(JobMachine, settings=_AT_RANDOM)


def test_the_memory_store_behaves_like_a_dict() -> None:
    @asynccontextmanager
    async def open_store() -> AsyncGenerator[JobStore]:
        yield MemoryJobStore()

    class Machine(JobStoreMachine):
        def __init__(self) -> None:
            super().__init__(open_store)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM)


@pytest.mark.valkey
def test_the_redis_store_behaves_like_a_dict(redis_url: str) -> None:
    class Machine(RedisJobStoreMachine):
        def __init__(self) -> None:
            super().__init__(redis_url)

    run_state_machine_as_test(Machine, settings=_AT_RANDOM_ON_A_SERVER)
