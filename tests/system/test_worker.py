"""The worker on real PostgreSQL, Valkey and HTTP: whole roads, and messages that cannot run."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from arq.connections import ArqRedis
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.arq import pool_on
from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.postgres import (
    DatabaseNotMigratedError,
    PostgresCatalog,
    create_engine,
)
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.sources.rows import LocalRowReader
from marketbel_adapters.system import SystemClock, TimeOrderedIdSource
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_runtime.lifespan import production
from marketbel_runtime.ml_standin import create_app, serve
from marketbel_runtime.settings import Settings
from marketbel_runtime.tasks.ingestion import parse_task
from marketbel_runtime.worker import make_worker

pytestmark = [pytest.mark.postgres, pytest.mark.valkey]

LIST = "Артикул;Наименование;Цена\nA1;Молоко 1 л;2,50\nA2;Хлеб ржаной;1,90\nA3;;3\n"
JOB = JobId(uuid5(UUID(int=0), "worker-test"))


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


async def run_until_idle(settings: Settings) -> None:
    await make_worker(settings, burst=True).run()


@asynccontextmanager
async def standin(settings: Settings, engine: AsyncEngine) -> AsyncIterator[str]:
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_app(
        reader=LocalRowReader(DiskFileStore(settings.uploads_dir)),
        catalog=PostgresCatalog(engine),
        uploads=settings.uploads_dir,
        clock=SystemClock(),
        ids=TimeOrderedIdSource(),
        row_delay=timedelta(milliseconds=1),
    )
    async with AsyncExitStack() as stack:
        serving = asyncio.create_task(
            serve(app, host="127.0.0.1", port=0, ready=address.set_result)
        )
        stack.callback(serving.cancel)
        yield await address
    await asyncio.gather(serving, return_exceptions=True)


async def job_of(redis: Redis) -> Job:
    return await RedisJobStore(redis).get(JOB)


async def is_complete(redis: Redis) -> bool:
    try:
        return (await job_of(redis)).phase is Phase.COMPLETE
    except JobNotFoundError:
        return False


async def figures(engine: AsyncEngine) -> dict[str, int]:
    sql = {
        "items": "SELECT count(*) FROM supplier_items WHERE product_id IS NOT NULL",
        "priced": "SELECT count(*) FROM products WHERE min_price IS NOT NULL",
        "rejected": "SELECT count(*) FROM parsing_logs WHERE error_type = 'ValidationError'",
    }
    async with engine.connect() as connection:
        return {
            name: int(await connection.scalar(text(query)) or 0) for name, query in sql.items()
        }


async def test_an_uploaded_list_is_read_here_and_reaches_the_catalogue(
    settings: Settings, redis: Redis, pool: ArqRedis, engine: AsyncEngine
) -> None:
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode("cp1251"))

    await pool.enqueue_job(
        "parse_task",
        job_id=str(JOB),
        parser_type="csv",
        supplier_name="Acme",
        source_config={"file_path": str(settings.uploads_dir / "upload.csv")},
    )
    await run_until_idle(settings)

    job = await job_of(redis)
    assert (job.phase, job.failure) == (Phase.COMPLETE, None)
    assert await figures(engine) == {"items": 2, "priced": 2, "rejected": 1}
    assert not await redis.exists("jobs:active")


async def test_of_a_hundred_rows_with_ten_bad_ones_ninety_are_stored_and_ten_told(
    settings: Settings, engine: AsyncEngine
) -> None:
    bad = range(7, 102, 10)  # lines of the file, which the header begins
    rows = [f"A{n};{'' if n in bad else f'Товар {n}'};{n},50" for n in range(2, 102)]
    place = settings.uploads_dir / "hundred.csv"
    place.write_text("\n".join(["Артикул;Наименование;Цена", *rows]))

    async with production(settings) as container:  # no worker keeps what a task returns
        result = await parse_task(
            {"container": container, "job_id": "hundred", "job_try": 1},
            task_id="hundred",
            parser_type="csv",
            supplier_name="Acme",
            source_config={"file_path": str(place)},
        )
    await run_until_idle(settings)

    told = (result["status"], result["items_parsed"], result["items_failed"])
    assert told == ("partial_success", 90, 10)
    async with engine.connect() as connection:
        stored = await connection.scalar(text("SELECT count(*) FROM supplier_items"))
        prices = await connection.scalar(text("SELECT count(*) FROM price_history"))
        rejected = await connection.scalars(
            text(
                "SELECT row_number FROM parsing_logs WHERE error_type = 'ValidationError'"
                " ORDER BY row_number"
            )
        )
        assert (stored, prices, rejected.all()) == (90, 90, [*bad])


async def test_a_list_goes_through_ml_analyze_over_http(
    settings: Settings,
    redis: Redis,
    pool: ArqRedis,
    engine: AsyncEngine,
    until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]],
) -> None:
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode())
    await pool.enqueue_job(
        "download_and_trigger_ml",
        job_id=str(JOB),
        supplier_name="Acme",
        source_type="csv",
        source_url=str(settings.uploads_dir / "upload.csv"),
    )

    async with standin(settings, engine) as url:
        worker = make_worker(settings.model_copy(update={"ml_analyze_url": url}))
        running = asyncio.create_task(worker.run())
        await until(lambda: is_complete(redis))
        worker.stop()
        await running

    job = await job_of(redis)
    assert job.analysis_id is not None
    assert job.progress.error_count == 1
    assert await figures(engine) == {"items": 2, "priced": 2, "rejected": 1}


async def test_a_pickle_fails_alone_and_the_next_job_runs(
    settings: Settings, redis: Redis, pool: ArqRedis
) -> None:
    await redis.set("arq:job:poison", pickle.dumps({"f": "parse_task", "a": (), "k": {}}))
    await redis.zadd(settings.queue_name, {"poison": 1})
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode())
    await pool.enqueue_job(
        "parse_task",
        job_id=str(JOB),
        supplier_name="Acme",
        source_config={"file_path": "upload.csv"},
    )

    await run_until_idle(settings)

    assert (await job_of(redis)).phase is Phase.COMPLETE
    assert await redis.zcard(settings.queue_name) == 0


async def test_plain_redis_commands_enqueue_a_job(settings: Settings, redis: Redis) -> None:
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode())
    config = {"file_path": "upload.csv"}
    kwargs = {"job_id": str(JOB), "supplier_name": "Acme", "source_config": config}
    payload = json.dumps({"f": "parse_task", "k": kwargs})

    await redis.psetex("arq:job:from-bun", 86_400_000, payload)
    await redis.zadd(settings.queue_name, {"from-bun": 1})
    await run_until_idle(settings)

    assert (await job_of(redis)).phase is Phase.COMPLETE


async def test_the_worker_refuses_a_database_that_was_never_migrated(
    settings: Settings, database_url: str
) -> None:
    changed = Settings.model_validate({**settings.model_dump(), "database_url": database_url})

    with pytest.raises(DatabaseNotMigratedError, match="marketbel migrate"):
        await make_worker(changed, burst=True).run()


@pytest.mark.processes
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["-m", "arq", "marketbel_runtime.worker.WorkerSettings"], id="arq"),
        pytest.param(["-m", "marketbel_runtime.worker"], id="module"),
        pytest.param(["-m", "marketbel_runtime.cli", "worker"], id="marketbel"),
    ],
)
async def test_each_way_to_start_a_worker_runs_jobs_and_stops_on_sigterm(
    settings: Settings,
    redis: Redis,
    pool: ArqRedis,
    command: list[str],
    until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]],
    tmp_path: Path,
) -> None:
    (settings.uploads_dir / "upload.csv").write_bytes(LIST.encode())
    await pool.enqueue_job(
        "parse_task",
        job_id=str(JOB),
        supplier_name="Acme",
        source_config={"file_path": "upload.csv"},
    )
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "QUEUE_NAME": settings.queue_name,
    }

    async def complete() -> bool:
        assert process.poll() in (None, 0), (tmp_path / "log").read_text()
        return await is_complete(redis)

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=log, stderr=log, cwd=tmp_path
        )
        try:
            await until(complete)
        finally:
            process.terminate()
            status = process.wait(60)

    assert status == 0, (tmp_path / "log").read_text()
