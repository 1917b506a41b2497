"""Everything that runs: servers, workers, the stand-in for ml-analyze; and what one asks them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import httpx
from redis.asyncio import Redis

from marketbel_adapters.arq import JsonArqRedis, live_workers, pool_on
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_core.errors import InvalidIdError
from marketbel_core.ids import JobId, parse_job_id
from marketbel_runtime.lifespan import production
from marketbel_runtime.settings import Settings
from tests.system.chaos.lists import SentList, starting_catalogue
from tests.system.chaos.servers import Process, Valkey, wait_for
from tests.system.chaos.site import SupplierSite, supplier_site

__all__ = ["Cluster", "Plan", "cluster"]

_LEASES: Final = "marketbel:leases"
_MARKS: Final = "arq:in-progress:"
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a run is set up.

    Attributes:
        workers: How many processes.
        list_seconds: How long the site takes for a list.
        variables: The workers' choices, where they are not the product's own.
    """

    workers: int
    list_seconds: float
    variables: Mapping[str, str]


class Cluster:
    """What the faults and the judge need to know of a run.

    Attributes:
        settings: As the workers have them.
        redis: A client with patience.
        valkey: The server behind it.
        workers: Each is started again by whoever ended it.
        site: Where the lists are.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        redis: Redis,
        valkey: Valkey,
        workers: Sequence[Process],
        ml: str,
        site: SupplierSite,
    ) -> None:
        self.settings = settings
        self.redis = redis
        self.valkey = valkey
        self.workers = workers
        self.site = site
        self._ml = ml
        self._pool: JsonArqRedis = pool_on(redis.connection_pool, queue_name=settings.queue_name)
        self._store = RedisJobStore(redis)
        self._ended: set[JobId] = set()

    async def send(self, lists: Iterable[SentList], *, every: timedelta = timedelta()) -> None:
        """Send the lists' messages, as the other parts of the deployment do."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for sent in lists:
            await asyncio.sleep(max(due - loop.time(), 0))
            await self._pool.enqueue_job(sent.function, **sent.arguments(self.site.url))
            due = max(due, loop.time() - 10 * every.total_seconds()) + every.total_seconds()

    async def unended(self, lists: Iterable[SentList]) -> set[JobId]:
        """Return those of the jobs that are not there yet, or on their way."""
        wanted = {sent.job_id for sent in lists} - self._ended
        phases = await self.phases(wanted)
        self._ended |= {job_id for job_id in wanted if phases[job_id] in {"complete", "failed"}}
        return wanted - self._ended

    async def phases(self, job_ids: Iterable[JobId]) -> dict[JobId, str | None]:
        """Return where each job stands; `None` for one that is not there."""
        ids = list(job_ids)
        async with self.redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hget(f"job:{job_id}", "phase")
            found = cast("list[bytes | None]", await pipe.execute())
        return {
            job_id: phase.decode() if phase is not None else None
            for job_id, phase in zip(ids, found, strict=True)
        }

    async def settle(self, lists: Sequence[SentList], *, within: timedelta) -> bool:
        """Wait until all jobs have ended; return whether they have."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while await self.unended(lists):
                    await asyncio.sleep(0.5)
        except TimeoutError:
            return False
        return True

    async def ready(self) -> None:
        """Wait until every worker has shown that it is alive."""
        pids = {worker.pid for worker in self.workers}
        while not pids <= {sign.pid for sign in await live_workers(self.redis)}:
            for worker in self.workers:
                assert worker.is_running, worker.log.read_text(errors="replace")[-4_000:]
            await asyncio.sleep(_LOOK_SECONDS)

    async def held(self) -> dict[int, set[JobId]]:
        """Return the jobs that each worker holds, by the worker's process.

        A job is held by the worker whose mark is on one of its steps; its lease has not expired.
        """
        pids = {sign.id: sign.pid for sign in await live_workers(self.redis)}
        seconds, _ = await self.redis.time()
        leased = {
            job_id.decode()
            for job_id in await self.redis.zrangebyscore(_LEASES, seconds * 1_000, "+inf")
        }
        keys = [key async for key in self.redis.scan_iter(match=f"{_MARKS}*", count=1_000)]
        marks = await self.redis.mget(keys) if keys else []
        held: dict[int, set[JobId]] = {}
        for key, mark in zip(keys, marks, strict=True):
            named = key.decode().removeprefix(_MARKS).split(":")
            pid = pids.get((mark or b"").decode().partition("/")[0])
            if pid is not None and len(named) > 1 and named[1] in leased:
                held.setdefault(pid, set()).update(_job_ids(named[1]))
        return held

    async def on_last_life(self, job_ids: Iterable[JobId]) -> bool:
        """Tell whether one more death would make one of the jobs a dead letter, by the rule."""
        jobs = [await self._store.get(job_id) for job_id in job_ids]
        return any(replace(job, deliveries=job.deliveries + 1).kills_workers for job in jobs)

    async def order(self, **faults: object) -> None:
        """Have the stand-in for ml-analyze misbehave."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self._ml}/_standin/faults", json=faults)
            answer.raise_for_status()


@asynccontextmanager
async def cluster(
    plan: Plan, lists: Sequence[SentList], *, database_url: str, valkey: Valkey, folder: Path
) -> AsyncIterator[Cluster]:
    """Run everything for the length of the block.

    Args:
        plan: How.
        lists: What the site serves.
        database_url: Migrated; nobody else's.
        valkey: Nobody else's.
        folder: For logs and the shared folder; made.
    """
    uploads = folder / "uploads"
    uploads.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        content = {sent.filename: sent.content for sent in lists}
        site = await stack.enter_async_context(supplier_site(content, seconds=plan.list_seconds))
        variables = {
            "DATABASE_URL": database_url,
            "REDIS_URL": valkey.url,
            "UPLOADS_DIR": str(uploads),
            "FETCH_ALLOW_NETWORKS": "127.0.0.1/32",
            "FETCH_PER_HOST_MAX": "1000",  # all lists come from the site of the drill
            "FETCH_ALLOWED_PORTS": site.url.rpartition(":")[2],
            **plan.variables,
        }

        def start(name: str, *arguments: str) -> Process:
            process = Process(name, [*arguments], environment=variables, folder=folder)
            stack.callback(process.stop)
            return process

        standin = start("ml-standin", *("marketbel_runtime.cli", "ml-standin", "--port", "0"))
        variables["ML_ANALYZE_URL"] = ml = wait_for(standin, r"(http://127\.0\.0\.1:\d+)")
        settings = Settings.model_validate(
            {name.lower(): text for name, text in variables.items()}
        )
        async with production(settings) as container, container.catalog().unit() as unit:
            await unit.products.add(starting_catalogue())
        redis = create_redis(valkey.url, patient=True)
        stack.push_async_callback(redis.aclose)
        workers = [
            start(f"worker-{number}", "marketbel_runtime.worker") for number in range(plan.workers)
        ]
        stack.callback(_terminate, workers)
        opened = Cluster(
            settings=settings, redis=redis, valkey=valkey, workers=workers, ml=ml, site=site
        )
        await opened.ready()
        yield opened


def _terminate(workers: Sequence[Process]) -> None:
    for worker in workers:  # all at once; each is waited for afterwards
        if worker.is_running:
            worker.terminate()


def _job_ids(text: str) -> list[JobId]:
    try:
        return [parse_job_id(text)]
    except InvalidIdError:
        return []
