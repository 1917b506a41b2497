"""Step queues: arq on Redis, and a worker that runs what waits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from marketbel_adapters.arq import (
    ArqStepQueue,
    arq_job_of,
    deserialize,
    heavy_queue_of,
    pool_on,
    serialize,
)
from marketbel_adapters.arq.pool import JsonArqRedis
from marketbel_adapters.redis import create_redis
from marketbel_adapters.testing.builders import a_job
from marketbel_adapters.testing.queue import StepLine, StepQueueContract
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import CourierStep, RecalculateStep, Step

pytestmark = pytest.mark.valkey

QUEUE = "contract-queue"
FUNCTIONS = (
    "courier_task",
    "import_items_task",
    "match_items_task",
    "recalc_product_aggregates_task",
    "enrich_items_task",
)


class _RememberingQueue(ArqStepQueue):
    """Knows which step an arq id stands for."""

    def __init__(self, pool: JsonArqRedis) -> None:
        super().__init__(pool, queue_name=QUEUE)
        self.steps: dict[str, Step] = {}

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        self.steps[arq_job_of(step)[1]] = step
        return await super().ask(step, not_before=not_before)

    async def ask_all(self, steps: Sequence[Step]) -> None:
        self.steps |= {arq_job_of(step)[1]: step for step in steps}
        await super().ask_all(steps)


class _ArqLine(StepLine):
    def __init__(self, connections: ConnectionPool) -> None:
        self._connections = connections
        self._queue = _RememberingQueue(pool_on(connections, queue_name=QUEUE))

    @property
    def queue(self) -> ArqStepQueue:
        return self._queue

    async def run(self, during: Callable[[Step], Awaitable[None]] | None = None) -> list[Step]:
        ran: list[Step] = []

        async def step_task(ctx: dict[Any, Any], **_: object) -> None:
            step = self._queue.steps[ctx["job_id"]]
            if during is not None:
                await during(step)
            ran.append(step)

        worker = Worker(
            functions=[func(step_task, name=name, keep_result=0) for name in FUNCTIONS],
            redis_pool=pool_on(self._connections, queue_name=QUEUE),
            queue_name=QUEUE,
            burst=True,
            max_jobs=1,
            keep_result=0,
            poll_delay=0.01,
            job_serializer=serialize,
            job_deserializer=deserialize,
            handle_signals=False,
        )
        await worker.async_run()
        return ran


class TestArqStepQueue(StepQueueContract):
    @pytest.fixture
    async def line(self, redis_url: str) -> AsyncIterator[StepLine]:
        redis = create_redis(redis_url)
        yield _ArqLine(redis.connection_pool)
        await redis.aclose()

    async def test_a_queue_that_is_away_says_so(self) -> None:
        redis = create_redis("unix:///nowhere/valkey.sock")
        queue = ArqStepQueue(pool_on(redis.connection_pool, queue_name=QUEUE), queue_name=QUEUE)

        with pytest.raises(UnavailableError) as caught:
            await queue.ask(CourierStep(job_id=a_job().id, attempt=1))

        assert caught.value.code == "redis.unavailable"
        await redis.aclose()

    async def test_a_deferred_step_is_due_later_and_keeps_its_arguments_until_then(
        self, redis_url: str
    ) -> None:
        redis = create_redis(redis_url)
        queue = ArqStepQueue(pool_on(redis.connection_pool, queue_name=QUEUE), queue_name=QUEUE)
        step = CourierStep(job_id=a_job().id, attempt=1)
        due = datetime(2100, 1, 1, tzinfo=UTC)

        assert await queue.ask(step, not_before=due)

        [(arq_id, score)] = await redis.zrange(QUEUE, 0, -1, withscores=True)
        assert score == due.timestamp() * 1_000
        seconds, _ = await redis.time()
        kept = timedelta(seconds=await redis.ttl("arq:job:" + arq_id.decode()))
        assert datetime.fromtimestamp(seconds, UTC) + kept > due + timedelta(days=6)
        await redis.aclose()

    async def test_long_steps_are_asked_for_where_the_worker_looks_for_them(
        self, redis_url: str
    ) -> None:
        redis = create_redis(redis_url)
        pool = pool_on(redis.connection_pool, queue_name=QUEUE)
        queue = ArqStepQueue(pool, queue_name=QUEUE, heavy_queue_name=heavy_queue_of(QUEUE))
        job = a_job()

        await queue.ask(CourierStep(job_id=job.id, attempt=1))
        await queue.ask(RecalculateStep(job_id=job.id, attempt=1))

        assert [await redis.zcard(name) for name in (QUEUE, f"{QUEUE}:heavy")] == [1, 1]
        await redis.aclose()
