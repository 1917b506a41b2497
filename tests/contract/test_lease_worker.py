"""The arq worker with short leases, on a real server: who may run what, and when again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from arq import Retry
from arq.worker import func
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from marketbel_adapters.arq import (
    JsonArqRedis,
    LeaseWorker,
    bring_back,
    heavy_queue_of,
    hide_arguments,
    pool_on,
)
from marketbel_adapters.redis import create_redis

pytestmark = pytest.mark.valkey

QUEUE = "lease-queue"
HEAVY = heavy_queue_of(QUEUE)
SHORT = timedelta(milliseconds=300)
LONG = timedelta(minutes=1)

type Context = dict[Any, Any]
type Fact = Callable[[], Awaitable[bool]]


class Shop:
    """What the workers of a test run, and what they are told about trouble."""

    def __init__(self, pool: JsonArqRedis) -> None:
        self.pool = pool
        self.runs: list[tuple[str, int]] = []
        self.told: list[str] = []
        self.gate = asyncio.Event()
        self.entered = asyncio.Event()

    async def quick(self, ctx: Context, **_: object) -> None:
        self.runs.append((ctx["job_id"], ctx["job_try"]))

    async def slow(self, ctx: Context, **_: object) -> None:
        self.runs.append((ctx["job_id"], ctx["job_try"]))
        self.entered.set()
        await self.gate.wait()

    async def unlucky(self, ctx: Context, **_: object) -> None:
        self.runs.append((ctx["job_id"], ctx["job_try"]))
        if ctx["job_try"] == 1:
            raise Retry(defer=0.01)

    def worker(self, name: str = "a", *, lease: timedelta = LONG, **options: Any) -> LeaseWorker:
        functions = {
            "poll_task": self.quick,
            "slow_task": self.slow,
            "unlucky_task": self.unlucky,
            "parse_task": self.slow,
        }
        given: dict[str, Any] = {"queue_name": QUEUE, "poll_delay": 0.01, **options}
        return LeaseWorker(
            [func(run, name=function, max_tries=5) for function, run in functions.items()],
            name=name,
            redis_pool=self.pool,
            lease=lease,
            tell=lambda what, _: self.told.append(what),
            **given,
        )

    async def ask(self, function: str, arq_id: str, *, queue: str = QUEUE) -> None:
        job = await self.pool.enqueue_job(
            function, _job_id=arq_id, _queue_name=queue, url="?key=s"
        )
        assert job is not None

    async def marked_by(self, arq_id: str) -> str | None:
        mark: bytes | None = await self.pool.get(f"arq:in-progress:{arq_id}")
        return None if mark is None else mark.decode()

    async def waits(self, arq_id: str, *, queue: str = QUEUE) -> bool:
        return await self.pool.zscore(queue, arq_id) is not None

    async def tries(self, arq_id: str) -> int:
        return int(await self.pool.get(f"arq:retry:{arq_id}") or 0)


@asynccontextmanager
async def working(*workers: LeaseWorker) -> AsyncIterator[None]:
    running = [asyncio.create_task(worker.async_run()) for worker in workers]
    try:
        async with asyncio.timeout(30):
            yield
    finally:
        for worker in workers:
            await worker.hand_back()
        await asyncio.gather(*running, return_exceptions=True)


async def until(fact: Fact) -> None:
    async with asyncio.timeout(30):
        while not await fact():
            await asyncio.sleep(0.01)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = create_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def shop(redis: Redis) -> Shop:
    return Shop(pool_on(redis.connection_pool, queue_name=QUEUE))


async def test_a_job_runs_once_and_leaves_nothing_behind(shop: Shop, redis: Redis) -> None:
    await shop.ask("poll_task", "one")

    await shop.worker(burst=True).async_run()

    assert shop.runs == [("one", 1)]
    assert [key async for key in redis.scan_iter(match="arq:*")] == []


async def test_two_workers_run_each_of_many_jobs_once(shop: Shop) -> None:
    ids = [f"job-{number}" for number in range(200)]
    for arq_id in ids:
        await shop.ask("poll_task", arq_id)

    workers = [shop.worker(name, burst=True) for name in "ab"]
    await asyncio.gather(*(worker.async_run() for worker in workers))

    assert sorted(shop.runs) == sorted((arq_id, 1) for arq_id in ids)


async def test_a_mark_names_its_worker_and_outlives_its_lease_while_the_job_runs(
    shop: Shop,
) -> None:
    await shop.ask("slow_task", "long")

    async with working(shop.worker("a", lease=SHORT)):
        await shop.entered.wait()
        other = shop.worker("b", lease=SHORT)
        async with working(other):
            for _ in range(4):
                await _renewed(shop, "long")
            assert await shop.marked_by("long") == "a"
        shop.gate.set()
        await until(lambda: _is_gone(shop, "long"))

    assert shop.runs == [("long", 1)]


async def _renewed(shop: Shop, arq_id: str) -> None:
    """Return when the mark has been given more time than it had left."""
    left = SHORT // timedelta(milliseconds=1)

    async def has_more() -> bool:
        nonlocal left
        earlier, left = left, int(await shop.pool.pttl(f"arq:in-progress:{arq_id}"))
        return left > earlier

    await until(has_more)


async def _is_gone(shop: Shop, arq_id: str) -> bool:
    return not await shop.waits(arq_id)


async def test_what_a_dead_worker_held_runs_again_after_one_lease(shop: Shop) -> None:
    await shop.ask("slow_task", "long")
    await shop.pool.set("arq:in-progress:long", "dead", px=int(SHORT.total_seconds() * 1_000))
    shop.gate.set()
    loop = asyncio.get_running_loop()
    begin = loop.time()

    await shop.worker(burst=True, job_timeout=3_600).async_run()

    assert shop.runs == [("long", 1)]
    assert loop.time() - begin < 30  # not the hour that arq would wait; a machine may be busy


async def test_a_stopped_worker_hands_its_jobs_back_without_costing_a_try(shop: Shop) -> None:
    await shop.ask("slow_task", "long")

    for stop in range(10):
        shop.entered.clear()
        async with working(shop.worker(f"worker-{stop}")):
            await shop.entered.wait()
        assert await shop.marked_by("long") is None
        assert await shop.waits("long")
        assert await shop.tries("long") == 0
    shop.gate.set()
    await shop.worker(burst=True).async_run()

    assert shop.runs == [("long", 1)] * 11


async def test_what_was_claimed_at_the_instant_of_the_stop_is_handed_back_too(shop: Shop) -> None:
    await shop.ask("slow_task", "long")
    worker = shop.worker()

    await worker.start_jobs([b"long"])
    [claimed] = worker.tasks
    await worker.hand_back()

    assert claimed == "long"
    assert await shop.marked_by("long") is None
    assert await shop.waits("long")


async def test_what_others_have_marked_does_not_hide_what_is_free(shop: Shop) -> None:
    for number in range(300):
        await shop.pool.set(f"arq:in-progress:held-{number}", "other", px=60_000)
        await shop.pool.zadd(QUEUE, {f"held-{number}": 1})
    await shop.ask("poll_task", "free")

    async with working(shop.worker()):
        await until(lambda: _is_gone(shop, "free"))

    assert shop.runs == [("free", 1)]


async def test_a_job_that_has_its_worker_stopped_for_ever_ends_by_its_tries(shop: Shop) -> None:
    await shop.ask("slow_task", "long")
    await shop.pool.set("arq:given-back:long", 20)

    for _ in range(5):
        shop.entered.clear()
        async with working(shop.worker()):
            await shop.entered.wait()
    await shop.worker(burst=True).async_run()

    assert shop.runs == [("long", number) for number in (1, 2, 3, 4, 5)]
    assert not await shop.waits("long")


async def test_a_draining_worker_ends_what_it_runs_and_takes_nothing_new(shop: Shop) -> None:
    await shop.ask("slow_task", "long")
    worker = shop.worker()

    async with working(worker):
        await shop.entered.wait()
        draining = asyncio.create_task(worker.drain(seconds=20))
        await shop.ask("poll_task", "late")
        shop.gate.set()
        await draining

    assert shop.runs == [("long", 1)]
    assert await shop.waits("late")
    assert not await shop.waits("long")


async def test_a_worker_that_was_paused_leaves_what_others_took_over_alone(shop: Shop) -> None:
    await shop.ask("slow_task", "long")

    worker = shop.worker("paused")
    async with working(worker):
        await shop.entered.wait()
        await shop.pool.set("arq:in-progress:long", "heir", px=60_000)
        shop.gate.set()
        await until(lambda: _has_no_task(worker))

    assert await shop.marked_by("long") == "heir"
    assert await shop.waits("long")


async def _has_no_task(worker: LeaseWorker) -> bool:
    return not worker.tasks


async def test_a_job_that_asks_for_another_try_gets_it(shop: Shop) -> None:
    await shop.ask("unlucky_task", "twice")

    await shop.worker(burst=True).async_run()

    assert shop.runs == [("twice", 1), ("twice", 2)]


async def test_heavy_work_is_moved_to_its_own_lane_as_it_is(shop: Shop) -> None:
    await shop.ask("parse_task", "file")
    written = await shop.pool.get("arq:job:file")

    light = shop.worker(burst=True, heavy_queue_name=HEAVY)
    await light.async_run()

    assert shop.runs == []
    assert await shop.waits("file", queue=HEAVY)
    assert not await shop.waits("file")
    assert await shop.marked_by("file") is None
    assert await shop.pool.get("arq:job:file") == written


async def test_light_work_runs_while_every_place_for_heavy_work_is_taken(shop: Shop) -> None:
    for number in range(300):
        await shop.ask("parse_task", f"file-{number}")
    await shop.ask("poll_task", "poll")
    loop = asyncio.get_running_loop()

    light = shop.worker("light", heavy_queue_name=HEAVY)
    heavy = shop.worker("heavy", queue_name=HEAVY, max_jobs=2)
    begin = loop.time()
    async with working(light, heavy):
        await until(lambda: _is_gone(shop, "poll"))
        took = loop.time() - begin
        await shop.entered.wait()
        running = [arq_id for arq_id, _ in shop.runs if arq_id != "poll"]

    assert ("poll", 1) in shop.runs
    assert len(running) <= 2
    assert took < 30  # the heavy ones end when the test says so; a machine may be busy


async def test_a_lane_that_may_not_claim_leaves_the_work_to_others(shop: Shop) -> None:
    await shop.ask("poll_task", "one")

    async with working(shop.worker("closed", may_claim=lambda: False)):
        await shop.worker("open", burst=True).async_run()

    assert shop.runs == [("one", 1)]


async def test_what_waits_in_the_heavy_lane_is_brought_back(shop: Shop) -> None:
    await shop.ask("parse_task", "file", queue=HEAVY)
    await shop.ask("parse_task", "both", queue=HEAVY)
    due = await shop.pool.zscore(HEAVY, "both")
    assert due is not None
    await shop.pool.zadd(QUEUE, {"both": due - 5})

    moved = [await bring_back(shop.pool, queue_name=QUEUE) for _ in range(2)]

    assert moved == [2, 0]
    assert not await shop.pool.exists(HEAVY)
    assert await shop.waits("file")
    assert await shop.pool.zscore(QUEUE, "both") == due - 5


async def test_a_hook_that_fails_is_told_and_ends_nobody(shop: Shop) -> None:
    async def broken(_: Context) -> None:
        raise KeyError

    hooks: dict[str, Any] = dict.fromkeys(("on_job_start", "on_job_end", "after_job_end"), broken)
    await shop.ask("poll_task", "one")
    await shop.ask("poll_task", "two")

    await shop.worker(burst=True, **hooks).async_run()

    assert len(shop.runs) == 2
    assert shop.told == ["running a hook"] * 6


async def test_a_redis_that_is_away_is_told_and_waited_for(shop: Shop) -> None:
    worker = shop.worker()
    answers = worker.pool.zrangebyscore

    async with working(worker):
        with patch.object(worker.pool, "zrangebyscore", side_effect=RedisConnectionError):
            await until(lambda: _was_told(shop))
        assert worker.pool.zrangebyscore == answers
        await shop.ask("poll_task", "after")
        await until(lambda: _is_gone(shop, "after"))

    assert shop.runs == [("after", 1)]


async def _was_told(shop: Shop) -> bool:
    return "looking at the queue" in shop.told


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x04.",
        b"[]",
        b'{"f": "parse_task", "t": "x"}',
        b'{"f": {"a": 1}}',
        b'{"f": "unheard_of"}',
    ],
)
async def test_a_job_that_cannot_be_run_leaves_the_queue_alone(shop: Shop, payload: bytes) -> None:
    await shop.pool.set("arq:job:broken", payload)
    await shop.pool.zadd(QUEUE, {"broken": 1})
    await shop.ask("poll_task", "whole")

    await shop.worker(burst=True, heavy_queue_name=HEAVY).async_run()
    await shop.worker(burst=True, queue_name=HEAVY).async_run()

    assert shop.runs == [("whole", 1)]
    assert not await shop.waits("broken")


async def test_the_log_holds_no_arguments_of_jobs(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    hide_arguments()
    await shop.ask("poll_task", "one")

    with caplog.at_level(logging.DEBUG, logger="arq"):
        await shop.worker(burst=True).async_run()

    assert "one:poll_task(…)" in caplog.text
    assert "?key=s" not in caplog.text
