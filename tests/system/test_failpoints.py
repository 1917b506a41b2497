"""A worker is killed at every named place on a job's road: another one finishes the job, once."""

import asyncio
import itertools
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import pytest
from sqlalchemy import text

from marketbel_adapters.arq import pool_on
from marketbel_adapters.embedded import embedded_valkey, own_database
from marketbel_adapters.postgres import create_engine
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.testing.journal import violations
from marketbel_core.errors import JobNotFoundError
from marketbel_core.ids import JobId
from marketbel_core.jobs import Job, Phase
from marketbel_core.ports import JournalEntry
from marketbel_runtime.failpoints import FAILPOINTS, JOB_ROAD
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.mortal_worker import started

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]

_LIST: Final = "Артикул;Наименование;Цена\nA-1;Молоко 1 л;2,50\nA-2;Хлеб ржаной;1,90\nA-3;;3\n"
_AT_ONCE: Final = 7
"""Each worker has a Redis database of its own, so that no sweep comes across another's job; there
are 16 on a server."""

_SECONDS_MAX: Final = 120.0
_EFFECTS: Final = {
    "suppliers": "SELECT count(*) FROM suppliers",
    "items": "SELECT count(*) FROM supplier_items",
    "prices": "SELECT count(*) FROM price_history",
    "drafts": "SELECT count(*) FROM marketbel.drafts",
    "linked and priced": "SELECT count(*) FROM supplier_items i JOIN products p"
    " ON p.id = i.product_id AND p.min_price = i.current_price",
    "imports": "SELECT count(*) FROM marketbel.imports",
    "rejections": "SELECT count(*) FROM parsing_logs WHERE error_type = 'ValidationError'",
    "jobs": "SELECT count(*) FROM marketbel.jobs",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the death of a worker led to.

    Attributes:
        exit_code: The worker's; a negative one is the signal that it died of.
        log: What it wrote.
        job: As it stood when another worker had nothing left to do.
        effects: Rows in the catalogue.
        files: Names in the shared folder.
        journal: The job's, from the archive and from the stream that has not come there yet.
    """

    exit_code: int | None
    log: str
    job: Job
    effects: Mapping[str, int]
    files: Sequence[str]
    journal: Sequence[JournalEntry]


@dataclass(frozen=True, kw_only=True)
class Site:
    """What one worker has for itself, and the job that it is given."""

    settings: Settings
    job_id: JobId
    log: Path

    async def send(self) -> None:
        (self.settings.uploads_dir / "list.csv").write_text(_LIST)
        async with create_redis(self.settings.require_redis_url()) as redis:
            pool = pool_on(redis.connection_pool, queue_name=self.settings.queue_name)
            await pool.enqueue_job(
                "download_and_trigger_ml",
                job_id=str(self.job_id),
                supplier_name="Acme",
                source_type="csv",
                source_url="list.csv",
                use_ml_processing=False,
            )

    async def rescue(self) -> None:
        """Have another worker go on until the job has ended."""
        worker = make_worker(self.settings)
        async with create_redis(self.settings.require_redis_url()) as redis:
            working = asyncio.create_task(worker.run())
            while not await self._has_ended(RedisJobStore(redis)):
                assert not working.done()
                await asyncio.sleep(0.1)
        worker.stop()
        await working

    async def _has_ended(self, jobs: RedisJobStore) -> bool:
        try:
            return not (await jobs.get(self.job_id)).is_active
        except JobNotFoundError:
            return False  # not made yet

    async def outcome(self, exit_code: int | None) -> Outcome:
        async with production(self.settings) as container:
            job = await container.jobs().get(self.job_id)
            # The dead worker may hold the relay's lease: what it left is read where it is.
            waiting = await container.journal().read(limit=500)
            archived = await container.archive().history(self.job_id, limit=500)
            last = archived[-1].position if archived else ""
        engine = create_engine(self.settings.require_database_url())
        async with engine.connect() as connection:
            effects = {
                name: int(await connection.scalar(text(query)) or 0)
                for name, query in _EFFECTS.items()
            }
        await engine.dispose()
        return Outcome(
            exit_code=exit_code,
            log=self.log.read_text(),
            job=job,
            effects=effects,
            files=sorted(path.name for path in self.settings.uploads_dir.iterdir()),
            journal=[*archived, *(entry for entry in waiting if entry.position > last)],
        )


@pytest.fixture
def valkey_url() -> Iterator[str]:
    """A Redis server of our own, with all its databases."""
    with embedded_valkey(None) as valkey:
        yield valkey.url


async def _lost_and_rescued(sites: Mapping[str, Site]) -> dict[str, Outcome]:
    async with asyncio.timeout(_SECONDS_MAX):
        for site in sites.values():
            await site.send()
        workers = {
            name: started(
                site.settings,
                environment={"MARKETBEL_FAILPOINT": f"{name}:kill"},
                log=site.log,
            )
            for name, site in sites.items()
        }
        for worker in workers.values():
            await asyncio.to_thread(worker.join)
        await asyncio.gather(*(site.rescue() for site in sites.values()))
        return {name: await site.outcome(workers[name].exitcode) for name, site in sites.items()}


@pytest.mark.parametrize("names", [*itertools.batched(JOB_ROAD, _AT_ONCE)], ids=itemgetter(0))
def test_a_worker_lost_at_these_places_leaves_jobs_that_another_one_finishes_once(
    names: Sequence[str],
    postgres_admin_url: str,
    migrated_template: str,
    valkey_url: str,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    with ExitStack() as stack:
        sites = {}
        for number, name in enumerate(names):
            database = own_database(postgres_admin_url, template=migrated_template)
            folder = tmp_path / name
            (folder / "uploads").mkdir(parents=True)
            sites[name] = Site(
                settings=Settings.model_validate(
                    {
                        "database_url": stack.enter_context(database),
                        "redis_url": valkey_url.replace("?db=0", f"?db={number}"),
                        "uploads_dir": folder / "uploads",
                        "job_lease_seconds": 2,
                        "rescue_interval_seconds": 1,
                    }
                ),
                job_id=JobId(uuid5(UUID(int=0), name)),
                log=folder / "log",
            )
        outcomes = asyncio.run(_lost_and_rescued(sites))

    for name in names:
        with subtests.test(name):
            assert_finished_once(outcomes[name])


def assert_finished_once(outcome: Outcome) -> None:
    assert outcome.exit_code == -signal.SIGKILL, outcome.log
    job = outcome.job
    assert (job.phase, job.attempt, job.failure) == (Phase.COMPLETE, 1, None)
    assert outcome.effects == {
        "suppliers": 1,
        "items": 2,
        "prices": 2,
        "drafts": 2,
        "linked and priced": 2,
        "imports": 1,
        "rejections": 1,
        "jobs": 1,
    }
    assert job.file_key in outcome.files
    assert not [file for file in outcome.files if ".part" in file]
    assert outcome.journal
    assert violations(outcome.journal) == []


def test_no_two_failpoints_are_the_same_place() -> None:
    assert len(set(FAILPOINTS.values())) == len(FAILPOINTS)
