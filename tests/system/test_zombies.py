"""A worker that is frozen past its lease, and comes back when another one has done its work."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from marketbel_adapters.arq import pool_on
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.conftest import Until
from tests.system.mortal_worker import started

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_JOB: Final = JobId(UUID(int=7))
_LIST: Final = "Артикул;Наименование;Цена\nA-1;Молоко 1 л;2,50\nA-2;Хлеб ржаной;1,90\n"
_TABLES: Final = ("suppliers", "supplier_items", "products", "price_history", "marketbel.imports")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with leases as short as they may be."""
    short = {"job_lease_seconds": 2, "rescue_interval_seconds": 1}
    return settings.model_copy(update=short)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with create_redis(settings.require_redis_url()) as client:
        yield client


async def send(settings: Settings, redis: Redis) -> None:
    (settings.uploads_dir / "list.csv").write_text(_LIST)
    pool = pool_on(redis.connection_pool, queue_name=settings.queue_name)
    await pool.enqueue_job(
        "download_and_trigger_ml",
        job_id=str(_JOB),
        supplier_name="Acme",
        source_type="csv",
        source_url="list.csv",
        use_ml_processing=False,
    )


async def stored(redis: Redis) -> Job | None:
    try:
        return await RedisJobStore(redis).get(_JOB)
    except JobNotFoundError:
        return None


async def rows(settings: Settings) -> dict[str, list[str]]:
    """Return everything in the catalogue."""
    engine = create_engine(settings.require_database_url())
    async with engine.connect() as connection:
        found = {
            table: sorted(
                str(row) for row in await connection.execute(text(f"SELECT * FROM {table}"))
            )
            for table in _TABLES
        }
    await engine.dispose()
    return found


@pytest.mark.parametrize("event", ["FileStored", "FileSubmitted", "ItemsParsed", "ItemsMatched"])
async def test_what_a_worker_writes_that_was_frozen_past_its_lease_is_refused(
    settings: Settings, redis: Redis, until: Until, tmp_path: Path, event: str
) -> None:
    store = RedisJobStore(redis)
    await send(settings, redis)
    zombie = started(
        settings,
        environment={"MARKETBEL_FAILPOINT": f"before_saving_{event}:stop"},
        log=tmp_path / "log",
        burst=False,
    )
    assert zombie.pid is not None

    async def is_frozen_past_its_lease() -> bool:
        assert zombie.is_alive(), (tmp_path / "log").read_text()
        ends = (await store.held([_JOB])).get(_JOB)
        seconds, _ = await redis.time()
        return ends is not None and ends.timestamp() < seconds

    async def has_ended() -> bool:
        job = await stored(redis)
        return job is not None and not job.is_active

    async def was_refused() -> bool:
        return (await store.refused())["stale"] > 0

    try:
        await until(is_frozen_past_its_lease)
        other = make_worker(settings)
        working = asyncio.create_task(other.run())
        await until(has_ended)
        other.stop()
        await working
        done, there = await stored(redis), await rows(settings)

        os.kill(zombie.pid, signal.SIGCONT)
        await until(was_refused)
    finally:
        zombie.kill()
        zombie.join()

    assert done is not None
    assert (done.phase, done.attempt) == (Phase.COMPLETE, 1)
    assert await stored(redis) == done
    assert await rows(settings) == there
    assert len(there["supplier_items"]) == 2


async def test_a_worker_that_is_frozen_in_a_transaction_does_not_keep_its_locks(
    settings: Settings, redis: Redis, until: Until, tmp_path: Path
) -> None:
    await send(settings, redis)
    zombie = started(
        settings,
        environment={"MARKETBEL_FAILPOINT": "before_commit:stop"},
        log=tmp_path / "log",
        burst=False,
    )
    engine = create_engine(settings.require_database_url())

    async def is_in_a_transaction() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        async with engine.connect() as connection:
            return bool(await connection.scalar(text(f"{query} AND datname = current_database()")))

    async def has_ended() -> bool:
        job = await stored(redis)
        return job is not None and not job.is_active

    try:
        await until(is_in_a_transaction)
        other = make_worker(settings)
        working = asyncio.create_task(other.run())
        await until(has_ended)
        other.stop()
        await working
    finally:
        zombie.kill()
        zombie.join()
        await engine.dispose()

    job = await stored(redis)
    assert job is not None
    assert (job.phase, job.attempt) == (Phase.COMPLETE, 1)
    assert {table: len(found) for table, found in (await rows(settings)).items()} == {
        "suppliers": 1,
        "supplier_items": 2,
        "products": 2,
        "price_history": 2,
        "marketbel.imports": 1,
    }
