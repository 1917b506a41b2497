"""Leases on jobs in Redis, beyond the port: lost replies, refusals that count, foreign hands."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from redis.asyncio import Redis

from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, create_redis
from marketbel_adapters.testing.builders import NOW, a_job
from marketbel_core.errors import IllegalTransitionError, ProtocolError, StaleJobError
from marketbel_core.jobs import (
    AttemptFailed,
    Cancelled,
    DownloadStarted,
    Failure,
    ItemsMatched,
    Job,
    Phase,
    RetryRequested,
    advance,
    claimed,
)
from marketbel_core.ports import Renewal

pytestmark = pytest.mark.valkey

_MINUTE: Final = timedelta(minutes=1)
_DAY_MS: Final = 24 * 60 * 60 * 1000
_LOOP_HELD_UP_SECONDS_MAX: Final = 0.1


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.fixture
def store(redis: Redis) -> RedisJobStore:
    return RedisJobStore(redis)


@pytest.fixture
async def job(store: RedisJobStore) -> Job:
    added = a_job()
    await store.add(added)
    return added


async def _ask(redis: Redis, *command: str | bytes | int) -> Any:
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the driver's


async def _expire(redis: Redis, job: Job) -> None:
    await redis.zadd("marketbel:leases", {str(job.id): 1})


async def _nothing() -> None:
    pass


@contextmanager
def _replies_lost_once(redis: Redis, meanwhile: Callable[[], Awaitable[object]] = _nothing) -> Any:
    """Send each script twice, as a client does whose first reply was lost."""
    evalsha: Any = redis.evalsha

    async def twice(*arguments: str | int) -> object:
        await evalsha(*arguments)
        await meanwhile()
        return await evalsha(*arguments)

    with patch.object(redis, "evalsha", twice):
        yield


async def _know_scripts(redis: Redis, store: RedisJobStore) -> None:
    for script in (store._claim, store._release, store._save, store._purge, store._expired):
        await redis.script_load(script.script)
    await redis.script_load(store._read.script)


async def test_a_claim_whose_first_reply_was_lost_gives_the_same_token(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    await _know_scripts(redis, store)

    with _replies_lost_once(redis):
        taken = await store.claim(job.id, duration=_MINUTE)

    assert taken == claimed(job, lost=False) == await store.get(job.id)
    assert await store.claim(job.id, duration=_MINUTE) is None
    assert [line.event for line in await RedisJobJournal(redis).read(limit=9)] == [
        "Created",
        "Claimed",
    ]


async def test_a_lease_that_expired_before_the_claim_came_again_is_the_claimers_still(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    await _know_scripts(redis, store)

    with _replies_lost_once(redis, lambda: _expire(redis, job)):
        taken = await store.claim(job.id, duration=_MINUTE)

    assert taken == claimed(job, lost=False)
    assert await store.reap(limit=9) == []


async def test_a_claim_that_comes_again_after_somebody_elses_is_no_claim(
    redis: Redis, redis_url: str, store: RedisJobStore, job: Job
) -> None:
    await _know_scripts(redis, store)
    async with create_redis(redis_url) as client:
        other = RedisJobStore(client)

        async def quicker() -> None:
            await _expire(redis, job)
            await other.claim(job.id, duration=_MINUTE)

        with _replies_lost_once(redis, quicker):
            taken = await store.claim(job.id, duration=_MINUTE)

    assert taken is None
    stored = await store.get(job.id)
    assert (stored.token, stored.deliveries) == (2, 1)


async def test_what_was_given_back_or_purged_is_told_so_when_the_first_reply_was_lost(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    taken = await store.claim(job.id, duration=_MINUTE)
    assert taken is not None
    dead = a_job(phase=Phase.FAILED, attempt=4, failure=Failure(code="a.b", message="c"))
    await store.add(dead)
    await _know_scripts(redis, store)

    with _replies_lost_once(redis):
        released, purged = await store.release(taken), await store.purge(dead.id)

    assert (released, purged) == (True, True)
    assert not await store.release(taken)
    assert not await store.purge(dead.id)


async def test_reaping_with_lost_replies_costs_one_delivery(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    await store.claim(job.id, duration=_MINUTE)
    await _expire(redis, job)
    await _know_scripts(redis, store)

    with _replies_lost_once(redis):
        reaped = await store.reap(limit=9)

    assert reaped == [await store.get(job.id)]
    assert (reaped[0].token, reaped[0].deliveries) == (2, 1)


async def test_refused_writes_are_counted_by_kind(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    assert await store.refused() == {"stale": 0, "illegal": 0}
    zombie = await store.claim(job.id, duration=_MINUTE)
    assert zombie is not None
    await _expire(redis, job)
    holder = await store.claim(job.id, duration=_MINUTE)
    assert holder is not None

    for _ in range(2):
        with pytest.raises(StaleJobError):
            await store.save(
                advance(zombie, DownloadStarted(), now=NOW), read=zombie, event=DownloadStarted
            )
    with pytest.raises(IllegalTransitionError):
        await store.save(holder, read=holder, event=ItemsMatched)

    assert await store.refused() == {"stale": 2, "illegal": 1}
    assert await store.get(job.id) == holder


async def test_a_holder_who_wakes_between_a_reapers_look_and_its_grip_keeps_the_job(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    holder = await store.claim(job.id, duration=_MINUTE)
    assert holder is not None
    await _expire(redis, job)
    look = store._now

    async def renewed_meanwhile() -> object:
        assert await store.renew(holder, duration=_MINUTE) is Renewal.HELD
        return await look()

    with patch.object(store, "_now", renewed_meanwhile):
        assert await store.reap(limit=9) == []

    assert await store.get(job.id) == holder
    assert await store.refused() == {"stale": 0, "illegal": 0}


async def test_a_job_that_ends_and_begins_anew_under_a_reapers_eyes_stays_lent(
    store: RedisJobStore, redis: Redis, job: Job
) -> None:
    holder = await store.claim(job.id, duration=_MINUTE)
    assert holder is not None
    await _expire(redis, job)
    look, again = store._read_page, None

    async def ended_and_lent_again(*what: Any) -> Any:
        nonlocal again
        ended = advance(holder, Cancelled(), now=NOW)
        await store.save(ended, read=holder, event=Cancelled)
        page = await look(*what)
        retried = advance(ended, RetryRequested(), now=NOW)
        await store.save(retried, read=ended, event=RetryRequested)
        again = await store.claim(job.id, duration=_MINUTE)
        return page

    with patch.object(store, "_read_page", ended_and_lent_again):
        assert await store.reap(limit=9) == []

    assert again is not None
    assert await store.renew(again, duration=_MINUTE) is Renewal.HELD
    assert set(await store.held([job.id])) == {job.id}


async def test_a_lease_on_what_is_no_job_any_more_holds_up_no_reaper(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    gone, broken, ended = [a_job() for _ in range(3)]
    for each in (gone, broken, ended, job):
        await store.add(each)
        await store.claim(each.id, duration=_MINUTE)
        await _expire(redis, each)
    await redis.delete(f"job:{gone.id}")
    await _ask(redis, "HDEL", f"job:{broken.id}", "absent")
    await _ask(redis, "HSET", f"job:{ended.id}", "phase", "complete")

    reaped = await store.reap(limit=9)

    assert [each.id for each in reaped] == [job.id]
    assert await redis.zcard("marketbel:leases") == 0


@pytest.mark.parametrize("field", ["phase", "token", "deliveries", "absent"])
async def test_a_job_that_cannot_be_read_cannot_be_claimed(
    redis: Redis, store: RedisJobStore, job: Job, field: str
) -> None:
    await _ask(redis, "HDEL", f"job:{job.id}", field)

    with pytest.raises(ProtocolError) as caught:
        await store.claim(job.id, duration=_MINUTE)

    assert caught.value.code == "jobs.corrupt"


async def test_dead_letters_are_kept_seven_days_from_the_last_one_in_the_set_that_was_named(
    redis: Redis,
) -> None:
    store = RedisJobStore(redis, dlq_name="parcels")
    key = "arq:dlq:parcels"
    await _ask(redis, "SADD", key, "a task of somebody else's")
    job = a_job(attempt=4)
    await store.add(job)
    failed = advance(job, AttemptFailed(failure=Failure(code="a.b", message="c")), now=NOW)

    await store.save(failed, read=job, event=AttemptFailed)

    assert 6.9 * _DAY_MS < await redis.pttl(key) <= 7 * _DAY_MS
    assert await _ask(redis, "SMISMEMBER", key, str(job.id)) == [1]
    assert await store.dead_letters(limit=9) == [job.id]


async def test_the_index_of_leases_tells_the_servers_milliseconds(
    redis: Redis, store: RedisJobStore, job: Job
) -> None:
    seconds, _ = await redis.time()
    await store.claim(job.id, duration=_MINUTE)

    until = await redis.zscore("marketbel:leases", str(job.id))

    assert until is not None
    assert seconds + 60 <= until / 1000 < seconds + 120


async def test_a_thousand_jobs_are_listed_without_holding_up_the_loop(
    store: RedisJobStore,
) -> None:
    jobs = [a_job() for _ in range(1000)]
    await asyncio.gather(*map(store.add, jobs[:500]))
    await asyncio.gather(*map(store.add, jobs[500:]))
    longest = 0.0

    async def feel_the_loop() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()  # what other programs of the machine take, is not ours
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    feeling = asyncio.create_task(feel_the_loop())
    await asyncio.sleep(0)
    listed = await store.list_in(Phase.DOWNLOADING, limit=1000)
    feeling.cancel()

    assert listed == jobs
    assert longest < _LOOP_HELD_UP_SECONDS_MAX


async def test_a_job_that_moves_while_its_phase_is_listed_is_left_out(
    redis: Redis, store: RedisJobStore
) -> None:
    jobs = [a_job() for _ in range(5)]
    for job in jobs:
        await store.add(job)
    # As if it had moved after its id was read: the index says one phase, the hash another.
    await _ask(redis, "HSET", f"job:{jobs[1].id}", "phase", "analyzing")

    listed = await store.list_in(Phase.DOWNLOADING, limit=3)

    assert listed == [jobs[0], jobs[2], jobs[3]]
