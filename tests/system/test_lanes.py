"""The worker process on real servers: two lanes, stops that cost nothing, what a kill costs."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from arq.connections import ArqRedis
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.arq import heavy_queue_of, live_workers, pool_on
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_runtime.demo.environment import process_environment
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker

pytestmark = [pytest.mark.postgres, pytest.mark.valkey]

type Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

LIST = "Артикул;Наименование;Цена\nA1;Молоко 1 л;2,50\nA2;Хлеб ржаной;1,90\n"
JOB = JobId(uuid5(UUID(int=0), "lanes-test"))
MODULE = ["-m", "marketbel_runtime.worker"]
PLAIN = ["-m", "arq", "marketbel_runtime.worker.WorkerSettings"]


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = create_redis(settings.require_redis_url())
    yield client
    await client.aclose()


@pytest.fixture
def pool(settings: Settings, redis: Redis) -> ArqRedis:
    return pool_on(redis.connection_pool, queue_name=settings.queue_name)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    opened = create_engine(settings.require_database_url())
    yield opened
    await opened.dispose()


@asynccontextmanager
async def closed(engine: AsyncEngine, table: str) -> AsyncIterator[None]:
    """Have every step that touches `table` wait in its middle until the block ends."""
    async with engine.connect() as connection, connection.begin():
        await connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield


async def send(
    pool: ArqRedis, settings: Settings, job_id: JobId = JOB, queue: str | None = None
) -> None:
    """Upload a list and ask for its reading, as the API does: on the queue of all workers."""
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode())
    asked = await pool.enqueue_job(
        "parse_task",
        job_id=str(job_id),
        supplier_name="Acme",
        source_config={"file_path": "upload.csv"},
        _queue_name=queue,
    )
    assert asked is not None


async def job_of(redis: Redis) -> Job:
    return await RedisJobStore(redis).get(JOB)


async def is_held(redis: Redis) -> bool:
    """Return whether a worker holds the list."""
    return JOB in await RedisJobStore(redis).held([JOB])


async def waiting(engine: AsyncEngine) -> int:
    """Return how many steps wait for the closed table, or for another one that waits for it."""
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with engine.connect() as connection:
        return int(await connection.scalar(text(sql)) or 0)


async def is_waiting(engine: AsyncEngine) -> bool:
    """Return whether an import waits: no chore of a worker touches the prices of before."""
    return await waiting(engine) == 1


async def is_taken_over(redis: Redis) -> bool:
    """Return whether a worker holds the list after another one has lost it."""
    return (await job_of(redis)).deliveries == 1 and await is_held(redis)


async def is_complete(redis: Redis) -> bool:
    try:
        return (await job_of(redis)).phase is Phase.COMPLETE
    except JobNotFoundError:
        return False


async def holds(redis: Redis, worker: "subprocess.Popen[bytes]") -> bool:
    """Return whether the queue's mark on the list names this process."""
    mark = await redis.get(f"arq:in-progress:parse_task:{JOB}")
    return f"-{worker.pid}-".encode() in mark


@contextmanager
def process(
    settings: Settings, log: Path, command: list[str], **variables: str
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a worker process; it is killed at the end if it still runs."""
    env = process_environment(
        os.environ,
        DATABASE_URL=settings.require_database_url(),
        REDIS_URL=settings.require_redis_url(),
        UPLOADS_DIR=str(settings.uploads_dir),
        QUEUE_NAME=settings.queue_name,
        JOB_LEASE_SECONDS="2",
        RESCUE_INTERVAL_SECONDS="1",
        **variables,
    )
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, *command], env=env, stdout=output, stderr=output, cwd=log.parent
        )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.wait(60)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Run a worker inside this process."""
    worker = make_worker(settings)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_light_work_runs_while_heavy_work_waits_in_its_lane(
    settings: Settings, redis: Redis, pool: ArqRedis, engine: AsyncEngine, until: Until
) -> None:
    heavy = heavy_queue_of(settings.queue_name)
    jobs = [JobId(uuid5(JOB, str(number))) for number in range(20)]

    async def is_full() -> bool:
        marks = [key async for key in redis.scan_iter(match="arq:in-progress:parse_task:*")]
        return len(marks) == 2 and await redis.zcard(heavy) == len(jobs)

    async def light_is_done() -> bool:
        return await redis.zscore(settings.queue_name, "light") is None

    async with working(settings.model_copy(update={"max_workers": 2})):
        async with closed(engine, "suppliers"):
            for job_id in jobs:
                await send(pool, settings, job_id)
            await until(is_full)
            begin = asyncio.get_running_loop().time()
            await pool.enqueue_job("recalc_aggregates_task", _job_id="light", product_ids=[])
            await until(light_is_done)
            took = asyncio.get_running_loop().time() - begin
            assert await is_full()
        [sign] = await live_workers(redis)

    assert took < 30  # the heavy ones end when the test says so; a machine may be busy
    assert (sign.pid, sign.lanes) == (os.getpid(), (settings.queue_name, heavy))
    assert await live_workers(redis) == []


@pytest.mark.processes
async def test_a_killed_workers_job_is_finished_by_another_within_lease_and_sweep(
    settings: Settings,
    redis: Redis,
    pool: ArqRedis,
    engine: AsyncEngine,
    until: Until,
    tmp_path: Path,
) -> None:
    async def both_live() -> bool:
        return len(await live_workers(redis)) == 2

    loop = asyncio.get_running_loop()
    with (
        process(settings, tmp_path / "first", MODULE) as first,
        process(settings, tmp_path / "second", MODULE) as second,
    ):
        async with closed(engine, "price_history"):
            await until(both_live)
            await send(pool, settings)
            await until(lambda: is_waiting(engine))
            victim, heir = (first, second) if await holds(redis, first) else (second, first)
            victim.kill()
            killed = loop.time()
            await until(lambda: is_taken_over(redis))
            took = loop.time() - killed
            assert (await job_of(redis)).deliveries == 1
        await until(lambda: is_complete(redis))
        assert heir.poll() is None

    job = await job_of(redis)
    assert (job.attempt, job.failure) == (1, None)
    assert took <= 2 + 1 + 12  # lease and sweep, and what a busy machine takes


@pytest.mark.processes
async def test_ten_rolling_deploys_cost_a_job_no_attempt(
    settings: Settings,
    redis: Redis,
    pool: ArqRedis,
    engine: AsyncEngine,
    until: Until,
    tmp_path: Path,
) -> None:
    async with closed(engine, "price_history"):
        await send(pool, settings)
        for deploy in range(10):
            log = tmp_path / f"log-{deploy}"
            with process(settings, log, MODULE, SHUTDOWN_GRACE_SECONDS="5") as worker:
                await until(lambda: is_held(redis))
                await until(lambda: is_waiting(engine))
                worker.terminate()
                assert worker.wait(60) == 0, log.read_text()
            assert not await is_held(redis)
            assert not [key async for key in redis.scan_iter(match="arq:in-progress:*")]
            assert int(await redis.get(f"arq:retry:parse_task:{JOB}") or 0) == 0
            assert await live_workers(redis) == []
        job = await job_of(redis)
        assert (job.phase, job.attempt, job.deliveries, job.deferrals) == (
            Phase.ANALYZING,
            1,
            0,
            0,
        )
    await make_worker(settings, burst=True).run()

    assert (await job_of(redis)).attempt == 1
    assert await is_complete(redis)


@pytest.mark.processes
async def test_a_stopped_worker_ends_what_it_is_at_and_leaves_the_rest(
    settings: Settings,
    redis: Redis,
    pool: ArqRedis,
    engine: AsyncEngine,
    until: Until,
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"

    async def step_is_done() -> bool:
        return (await job_of(redis)).phase is Phase.MATCHING

    with process(settings, log, MODULE) as worker:
        async with closed(engine, "price_history"):
            await send(pool, settings)
            await until(lambda: is_waiting(engine))
            worker.terminate()
        await until(step_is_done)
        assert worker.wait(60) == 0, log.read_text()

    assert (await job_of(redis)).phase is Phase.MATCHING
    assert await redis.zcard(heavy_queue_of(settings.queue_name)) == 1
    await make_worker(settings, burst=True).run()
    assert await is_complete(redis)


@pytest.mark.processes
async def test_plain_arq_brings_the_heavy_lane_back_sends_nothing_there_and_says_so(
    settings: Settings, redis: Redis, pool: ArqRedis, until: Until, tmp_path: Path
) -> None:
    log, heavy = tmp_path / "log", heavy_queue_of(settings.queue_name)
    await send(pool, settings, queue=heavy)

    with process(settings, log, PLAIN) as worker:
        await until(lambda: is_complete(redis))
        worker.terminate()
        assert worker.wait(60) == 0, log.read_text()

    assert not await redis.exists(heavy)
    told = [json.loads(line) for line in log.read_text().splitlines() if "plain_arq" in line]
    assert [line["brought_back"] for line in told] == [1]
    assert "marketbel worker" in told[0]["meaning"]
    assert "upload.csv" not in log.read_text()


async def test_nothing_is_lost_when_a_step_is_moved_on_and_redis_answers_twice(
    settings: Settings, redis: Redis, pool: ArqRedis
) -> None:
    await send(pool, settings)
    waiting = f"parse_task:{JOB}"
    due = await redis.zscore(settings.queue_name, waiting)
    assert due is not None
    await redis.zadd(heavy_queue_of(settings.queue_name), {waiting: due})

    await make_worker(settings, burst=True).run()

    assert await is_complete(redis)
    with contextlib.suppress(JobNotFoundError):
        assert (await job_of(redis)).deliveries == 0
