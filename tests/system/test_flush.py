"""Redis loses everything while workers are at it: `marketbel jobs recover`, and every job ends."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Final

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from marketbel_adapters.embedded import empty_redis_db
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.testing.journal import violations
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.errors import JobNotFoundError
from marketbel_core.jobs import Job, Phase
from marketbel_core.use_cases import StartRequest
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.chaos.lists import SentList, sent_lists
from tests.system.chaos.site import SupplierSite, supplier_site
from tests.system.conftest import Until
from tests.system.forked import run_command

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_LISTS: Final = [sent for sent in sent_lists(60) if sent.filename.endswith(".csv")][:20]
_ENOUGH: Final = 3
"""So many jobs have ended when it happens, and the others wait or are on their way."""


@pytest.fixture
async def site() -> AsyncIterator[SupplierSite]:
    content = {sent.filename: sent.content for sent in _LISTS}
    async with supplier_site(content, seconds=0.5) as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, site: SupplierSite) -> Settings:
    """Settings that let the lists be fetched, with leases as short as they may be."""
    changes = {
        "fetch_allow_networks": "127.0.0.1/32",
        "fetch_allowed_ports": site.url.rpartition(":")[2],
        "job_lease_seconds": 2,
        "rescue_interval_seconds": 1,
    }
    return settings.model_copy(update=changes)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with create_redis(settings.require_redis_url()) as client:
        yield client


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings.require_database_url())
    yield engine
    await engine.dispose()


async def start(settings: Settings, site: SupplierSite) -> None:
    async with production(settings) as container:
        for sent in _LISTS:
            source = SourceRef(type=SourceType.CSV, location=f"{site.url}/{sent.filename}")
            request = StartRequest(
                source=source, supplier_name=sent.supplier, read_here=True, job_id=sent.job_id
            )
            await container.start_ingestion()(request)


async def ended(redis: Redis) -> list[Job]:
    async def one(sent: SentList) -> Job | None:
        try:
            return await RedisJobStore(redis).get(sent.job_id)
        except JobNotFoundError:
            return None

    jobs = await asyncio.gather(*map(one, _LISTS))
    return [job for job in jobs if job is not None and not job.is_active]


async def recover(settings: Settings) -> dict[str, int]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.require_database_url(),
        "REDIS_URL": settings.require_redis_url(),
        "UPLOADS_DIR": str(settings.uploads_dir),
        "QUEUE_NAME": settings.queue_name,
    }
    command = ("jobs", "recover", "--json")
    done = await asyncio.to_thread(
        run_command, *command, environment=environment, folder=settings.uploads_dir
    )
    done.check_returncode()
    told: dict[str, int] = json.loads(done.stdout)
    return told


async def test_every_job_ends_when_redis_loses_everything_in_mid_run(
    settings: Settings, site: SupplierSite, redis: Redis, engine: AsyncEngine, until: Until
) -> None:
    await start(settings, site)
    worker = make_worker(settings)
    working = asyncio.create_task(worker.run())

    async def some_have_ended() -> bool:
        assert not working.done()
        return len(await ended(redis)) >= _ENOUGH

    async def all_have_ended_for_good() -> bool:
        assert not working.done()
        async with engine.connect() as connection:
            phases = (await connection.execute(text("SELECT phase FROM marketbel.jobs"))).all()
        return {row.phase for row in phases} == {Phase.COMPLETE}

    await until(some_have_ended)
    empty_redis_db(settings.require_redis_url())
    told = await recover(settings)
    await until(all_have_ended_for_good)
    worker.stop()
    await working

    assert told["put_back"] == told["unfinished"] > 0
    async with engine.connect() as connection:
        items = await connection.scalar(text("SELECT count(DISTINCT name) FROM supplier_items"))
        again = await connection.scalar(
            text("SELECT count(*) - count(DISTINCT supplier_item_id) FROM price_history")
        )
    async with production(settings) as container:
        journals = [await container.archive().history(sent.job_id, limit=500) for sent in _LISTS]
    assert [violations(journal) for journal in journals] == [[]] * len(_LISTS)
    assert {journal[-1].job.attempt for journal in journals} == {1}
    assert again == 0
    assert items is not None
