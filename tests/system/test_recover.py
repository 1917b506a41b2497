"""Redis loses everything in mid-run: after `marketbel jobs recover` every job ends."""

import json
import os
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import create_redis
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import JobId
from marketbel_core.jobs import Phase
from marketbel_core.use_cases import RelayResult, StartRequest
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey]

_LIST: Final = "Артикул;Наименование;Цена\nA-1;Дрель Bosch GSB 13;189,90\n"
_JOBS: Final = [JobId(UUID(int=number)) for number in range(1, 7)]
_CARRIED: Final = 4


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with create_redis(settings.require_redis_url()) as client:
        yield client


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings.require_database_url())
    yield engine
    await engine.dispose()


def recovered(settings: Settings) -> object:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "QUEUE_NAME": settings.queue_name,
    }
    done = run_command("jobs", "recover", "--json", environment=environment)
    done.check_returncode()
    return json.loads(done.stdout)


async def start(settings: Settings) -> None:
    """Start the jobs, have some of them carried, and have all of that archived."""
    async with production(settings) as container:
        for job_id in _JOBS:
            (settings.uploads_dir / f"{job_id}.csv").write_text(_LIST)
            await container.start_ingestion()(
                StartRequest(
                    source=SourceRef(type=SourceType.CSV, location=f"{job_id}.csv"),
                    supplier_name=f"Supplier {job_id}",
                    read_here=True,
                    job_id=job_id,
                )
            )
        for job_id in _JOBS[:_CARRIED]:
            await container.courier()(job_id)
        assert (await container.relay_journal()()).relayed > len(_JOBS)


async def run_until_idle(settings: Settings) -> None:
    await make_worker(settings, burst=True).run()


async def test_every_job_ends_after_redis_lost_everything(
    settings: Settings, redis: Redis, engine: AsyncEngine
) -> None:
    await start(settings)
    await redis.flushdb()

    told = recovered(settings)
    told_again = recovered(settings)
    await run_until_idle(settings)

    count = len(_JOBS)
    found = {"ok": True, "unfinished": count}
    assert told == found | {"kept": 0, "put_back": count, "asked": count, "relayed": 0}
    assert told_again == found | {"kept": count, "put_back": 0, "asked": 0, "relayed": count}
    async with production(settings) as container:
        jobs = [await container.jobs().get(job_id) for job_id in _JOBS]
        assert [(job.phase, job.attempt) for job in jobs] == [(Phase.COMPLETE, 1)] * count
        await container.relay_journal()()
        assert await container.archive().unfinished(limit=10) == []
        assert await container.relay_journal()() == RelayResult()
        lines = await container.archive().history(_JOBS[0], limit=50)
    assert [line.event for line in lines if line.before is None] == ["Created", "Created"]
    assert lines[-1].event == "ItemsMatched"
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM supplier_items")) == count
