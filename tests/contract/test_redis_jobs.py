"""What the Redis job store promises beyond the port: its keys, what it bears, what it reports."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError

from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, create_redis
from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.errors import ProtocolError, StaleJobError, UnavailableError
from marketbel_core.ids import FileKey, JobId, SupplierId
from marketbel_core.jobs import (
    Cancelled,
    DownloadStarted,
    FileSubmitted,
    ItemsMatched,
    ItemsParsed,
    Job,
    JobEvent,
    JobProgress,
    Phase,
    RetryRequested,
    advance,
)

pytestmark = pytest.mark.valkey

_MINUTE: Final = timedelta(minutes=1)
_DAY_MS: Final = 24 * 60 * 60 * 1000
_BARE: Final = a_job(id=JobId(UUID(int=0xA)), supplier_id=SupplierId(UUID(int=0xB)))
_FULL: Final = replace(
    a_full_job(), id=JobId(UUID(int=0xA)), supplier_id=SupplierId(UUID(int=0xB))
)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.fixture
def store(redis: Redis) -> RedisJobStore:
    return RedisJobStore(redis)


async def _ask(redis: Redis, *command: str | bytes | int) -> Any:
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the driver's


async def _fields(redis: Redis, job: Job) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = await _ask(redis, "HGETALL", f"job:{job.id}")
    return fields


async def _left_ms(redis: Redis, job: Job) -> int:
    left: int = await _ask(redis, "PTTL", f"job:{job.id}")
    return left


async def _active(redis: Redis) -> set[bytes]:
    return set(await _ask(redis, "SMEMBERS", "jobs:active"))


async def _started(store: RedisJobStore, job: Job) -> Job:
    started = advance(job, DownloadStarted(), now=NOW)
    await store.save(started, read=job, event=DownloadStarted)
    return started


async def test_a_job_is_among_the_active_ones_until_it_ends_and_again_when_retried(
    redis: Redis, store: RedisJobStore
) -> None:
    job = a_job()
    await store.add(job)
    seen = [await _active(redis)]

    submitted = FileSubmitted(file_key=FileKey("k"))
    road: list[JobEvent] = [submitted, Cancelled(), RetryRequested()]
    road += [submitted, ItemsParsed(), ItemsMatched()]
    for event in road:
        moved = advance(job, event, now=NOW)
        await store.save(moved, read=job, event=type(event))
        job = moved
        seen.append(await _active(redis))

    listed, gone = {str(job.id).encode()}, set[bytes]()
    assert seen == [listed, listed, gone, listed, listed, listed, gone]


async def test_every_write_lets_the_job_live_seven_days_more(
    redis: Redis, store: RedisJobStore
) -> None:
    lives = []
    job = a_job()
    await store.add(job)
    lives.append(await _left_ms(redis, job))

    await redis.pexpire(f"job:{job.id}", 60_000)
    await store.record_progress(job.id, JobProgress(), expected_version=0, at=NOW)
    lives.append(await _left_ms(redis, job))

    await redis.pexpire(f"job:{job.id}", 60_000)
    await _started(store, job)
    lives.append(await _left_ms(redis, job))

    assert all(6.9 * _DAY_MS < left <= 7 * _DAY_MS for left in lives)


async def test_a_stale_save_touches_no_key_at_all(redis: Redis, store: RedisJobStore) -> None:
    await store.add(_FULL)
    await redis.pexpire(f"job:{_FULL.id}", 60_000)
    before = await _fields(redis, _FULL)
    retried = advance(_FULL, RetryRequested(), now=NOW)

    read = replace(_FULL, version=_FULL.version - 1)

    with pytest.raises(StaleJobError):
        await store.save(retried, read=read, event=RetryRequested)
    late = await store.record_progress(
        _FULL.id, JobProgress(), expected_version=read.version, at=NOW
    )

    assert not late
    assert await _fields(redis, _FULL) == before
    assert await _left_ms(redis, _FULL) <= 60_000
    assert await _active(redis) == set()
    assert sorted(await redis.keys("marketbel:jobs:*")) == [b"marketbel:jobs:failed"]


async def test_ids_whose_hash_has_expired_are_dropped_on_the_way(
    redis: Redis, store: RedisJobStore
) -> None:
    jobs = [a_job() for _ in range(5)]
    for job in jobs:
        await store.add(job)
    for place in (0, 1, 3):
        await redis.delete(f"job:{jobs[place].id}")  # as the end of its seven days does

    listed = await store.list_in(Phase.DOWNLOADING, limit=2)

    assert listed == [jobs[2], jobs[4]]
    left = [str(job.id).encode() for job in listed]
    assert await redis.zrange("marketbel:jobs:downloading", 0, -1) == left
    assert await _active(redis) == set(left)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phase", b"extracting"),
        ("download_total", b"many"),
        ("items_total_seen", b"-1"),
        ("retry_count", b"9"),
        ("created_at", b"yesterday"),
        ("changed_at", b"2026-03-14T09:26:53"),
        ("supplier_name", b"\xff"),
        ("supplier_id", b"7"),
        ("job_id", b"00000000-0000-0000-0000-00000000000c"),
        ("source_url", b""),
        ("error_details", b"{}"),
        ("error_details", b"[1]"),
        ("error_details", b"["),
        ("failure_actor", b""),
        ("version", None),
        ("absent", None),
    ],
)
async def test_a_hash_that_cannot_be_read_is_named_and_holds_up_nobody(
    redis: Redis, store: RedisJobStore, field: str, value: bytes | None
) -> None:
    sound = replace(_FULL, id=JobId(UUID(int=0xF)))
    await store.add(_FULL)
    await store.add(sound)
    key = f"job:{_FULL.id}"
    await _ask(redis, "HDEL", key, field)
    if value is not None:
        await _ask(redis, "HSET", key, field, value)

    with pytest.raises(ProtocolError, match=str(_FULL.id)) as caught:
        await store.get(_FULL.id)

    assert caught.value.code == "jobs.corrupt"
    assert await store.list_in(Phase.FAILED, limit=1) == [sound]


async def test_what_is_no_job_in_the_index_holds_up_nobody(
    redis: Redis, store: RedisJobStore
) -> None:
    await store.add(_BARE)
    await redis.zadd("marketbel:jobs:downloading", {"what is this?": 0})
    await _ask(redis, "HSET", "job:what is this?", "a", "b")

    assert await store.list_in(Phase.DOWNLOADING, limit=1) == [_BARE]


async def test_a_save_over_a_hash_without_a_version_is_refused(
    redis: Redis, store: RedisJobStore
) -> None:
    await _ask(redis, "HSET", f"job:{_BARE.id}", "phase", "downloading")

    with pytest.raises(ProtocolError) as caught:
        await _started(store, _BARE)

    assert caught.value.code == "jobs.corrupt"
    assert await _fields(redis, _BARE) == {b"phase": b"downloading"}


async def test_a_foreign_value_under_a_jobs_key_is_told_apart(
    redis: Redis, store: RedisJobStore
) -> None:
    await redis.set(f"job:{_BARE.id}", "what is this?")

    for attempt in (
        store.get(_BARE.id),
        _started(store, _BARE),
        store.claim(_BARE.id, duration=_MINUTE),
    ):
        with pytest.raises(ProtocolError) as caught:
            await attempt
        assert caught.value.code == "redis.wrong_type"


async def test_a_field_that_somebody_else_added_stays(redis: Redis, store: RedisJobStore) -> None:
    await store.add(_BARE)
    await _ask(redis, "HSET", f"job:{_BARE.id}", "task_id", "7")

    await _started(store, _BARE)

    assert (await _fields(redis, _BARE))[b"task_id"] == b"7"


async def test_a_save_whose_first_reply_was_lost_is_no_stale_one(
    redis: Redis, store: RedisJobStore
) -> None:
    await store.add(_BARE)
    started = advance(_BARE, DownloadStarted(), now=NOW)
    figures = JobProgress(items_total=3)
    evalsha: Any = redis.evalsha

    async def twice(*arguments: str | int) -> object:
        await evalsha(*arguments)
        await other.record_progress(started.id, figures, expected_version=1, at=NOW)
        return await evalsha(*arguments)

    await redis.script_load(store._save.script)
    async with Redis(connection_pool=redis.connection_pool) as client:
        other = RedisJobStore(client)
        with patch.object(redis, "evalsha", twice):
            await store.save(started, read=_BARE, event=DownloadStarted)

    shown = replace(started, progress=figures, progressed_at=NOW)
    assert await store.get(_BARE.id) == shown
    assert await store.refused() == {"stale": 0, "illegal": 0}
    assert len(await RedisJobJournal(redis).read(limit=9)) == 2


async def test_scripts_that_the_server_forgot_are_sent_again(
    redis: Redis, store: RedisJobStore
) -> None:
    await store.add(_BARE)
    await redis.script_flush()

    await _started(store, _BARE)

    assert (await store.get(_BARE.id)).version == 1


async def test_of_many_adds_at_once_the_first_stays(redis_url: str, redis: Redis) -> None:
    async with create_redis(redis_url) as client:
        stores = [RedisJobStore(redis), RedisJobStore(client)] * 5

        await asyncio.gather(
            *(each.add(replace(_BARE, token=token)) for token, each in enumerate(stores))
        )

    stored = await RedisJobStore(redis).get(_BARE.id)
    assert await RedisJobStore(redis).list_in(Phase.DOWNLOADING, limit=9) == [stored]


async def test_a_silent_server_is_unavailable() -> None:
    async with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        store = RedisJobStore(redis)

        for attempt in (
            store.add(_BARE),
            store.get(_BARE.id),
            _started(store, _BARE),
            store.record_progress(_BARE.id, JobProgress(), expected_version=0, at=NOW),
            store.list_in(Phase.FAILED, limit=1),
            store.claim(_BARE.id, duration=_MINUTE),
            store.renew(_BARE, duration=_MINUTE),
            store.release(_BARE),
            store.reap(limit=1),
            store.held([_BARE.id]),
            store.dead_letters(limit=1),
            store.purge(_BARE.id),
            store.refused(),
            RedisJobJournal(redis).read(limit=1),
            RedisJobJournal(redis).trim(through="1-1"),
            RedisJobJournal(redis).length(),
        ):
            with pytest.raises(UnavailableError) as caught:
                await attempt
            assert caught.value.code == "redis.unavailable"
            assert isinstance(caught.value.__cause__, RedisConnectionError)


async def test_a_server_that_refuses_for_now_is_unavailable(
    redis: Redis, store: RedisJobStore
) -> None:
    refusal = OutOfMemoryError("OOM command not allowed")

    with (
        patch.object(redis, "evalsha", side_effect=refusal),
        pytest.raises(UnavailableError, match="OOM") as caught,
    ):
        await store.add(_BARE)

    assert caught.value.code == "redis.unavailable"
