"""Step queues: arq on Redis, and a worker that runs what waits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from marketbel_adapters.arq import ArqStepQueue, arq_job_of, deserialize, pool_on, serialize
from marketbel_adapters.redis import create_redis
from marketbel_adapters.testing.builders import a_job
from marketbel_adapters.testing.queue import StepLine, StepQueueContract
from marketbel_core.errors import UnavailableError
from marketbel_core.ports import CourierStep, Step

pytestmark = pytest.mark.valkey

QUEUE = "contract-queue"
FUNCTIONS = (
    "courier_task",
    "import_items_task",
    "match_items_task",
    "recalc_product_aggregates_task",
)


class _RememberingQueue(ArqStepQueue):
    """Knows which step an arq id stands for."""

    def __init__(self, pool: ArqRedis) -> None:
        super().__init__(pool, queue_name=QUEUE)
        self.steps: dict[str, Step] = {}

    async def ask(self, step: Step, *, not_before: datetime | None = None) -> bool:
        self.steps[arq_job_of(step)[1]] = step
        return await super().ask(step)


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
