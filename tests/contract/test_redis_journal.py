"""The stream `jobs:journal`, beyond the port: its fields, whole addresses, foreign lines."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from marketbel_adapters.redis import RedisJobJournal, RedisJobStore, create_redis
from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.jobs import DownloadStarted, Failure, Phase, advance

pytestmark = pytest.mark.valkey

_ADDRESS: Final = "https://me:s3cret@example.com/lists/march.xlsx?key=hidden"
_SHOWN: Final = "https://example.com/lists/march.xlsx"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.fixture
def store(redis: Redis) -> RedisJobStore:
    return RedisJobStore(redis)


@pytest.fixture
def journal(redis: Redis) -> RedisJobJournal:
    return RedisJobJournal(redis)


async def _lines(redis: Redis) -> list[dict[str, str]]:
    lines: Any = await redis.xrange("jobs:journal")
    return [{name.decode(): text.decode() for name, text in line.items()} for _, line in lines]


async def test_a_line_tells_what_happened_and_holds_the_whole_hash(
    redis: Redis, store: RedisJobStore
) -> None:
    job = a_full_job()
    await store.add(job)
    again = replace(job, phase=Phase.DOWNLOADING, version=12, token=8, attempt=4, failure=None)
    await store.add(replace(again, id=a_job().id))
    started = advance(a_job(), DownloadStarted(), now=NOW)
    await store.add(started)

    line = (await _lines(redis))[0]

    stored: Any = await redis.hgetall(f"job:{job.id}")  # type: ignore[misc]  # the driver's
    at = line.pop("at")
    assert json.loads(line.pop("job")) == {
        name.decode(): text.decode() for name, text in stored.items()
    }
    assert line == {
        "job_id": str(job.id),
        "event": "Created",
        "before": "",
        "after": "failed",
        "token": "7",
        "version": "11",
        "attempt": "3",
    }
    assert len(at) == 13


async def test_a_whole_address_is_told_once_and_only_for_a_job_that_nobody_archived(
    redis: Redis, store: RedisJobStore, journal: RedisJobJournal
) -> None:
    source = SourceRef(type=SourceType.EXCEL, location=_ADDRESS)
    archived, new = a_job(source=source), a_job(source=source)
    await store.add(archived)
    await store.add_unarchived(new)
    for job in (archived, new):
        taken = await store.claim(job.id, duration=timedelta(minutes=1))
        assert taken is not None
        started = replace(advance(taken, DownloadStarted(), now=NOW), source=source)
        await store.save(started, read=taken, event=DownloadStarted)

    entries = await journal.read(limit=9)

    assert [entry.job.source.location for entry in entries] == [_SHOWN, _ADDRESS, *[_SHOWN] * 4]
    assert entries[1].job == new
    assert [entry.job.source.is_shortened for entry in entries] == [True, False, *[True] * 4]
    stored = [await redis.execute_command("HGETALL", f"job:{job.id}") for job in (archived, new)]  # type: ignore[no-untyped-call]  # the driver's
    assert b"s3cret" not in repr(stored).encode()
    assert ["s3cret" in line["job"] for line in await _lines(redis)] == [False] * 6


async def test_texts_of_any_kind_come_back(store: RedisJobStore, journal: RedisJobJournal) -> None:
    failure = Failure(code="a\x00b", message='\ud83d \U0001f384 / \\ " \x7f', details=("</", "\n"))
    job = a_job(phase=Phase.FAILED, failure=failure, deferred_by=failure)

    await store.add(job)

    assert [entry.job for entry in await journal.read(limit=9)] == [job]


async def test_lines_that_cannot_be_read_hold_up_nobody(
    redis: Redis, store: RedisJobStore, journal: RedisJobJournal, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = [a_job() for _ in range(3)]
    await store.add(jobs[0])
    for wrong in ({"what": "is this?"}, {"job_id": "7", "job": "{}", "before": "", "at": "1"}):
        await redis.xadd("jobs:journal", dict(wrong.items()))
    await store.add(jobs[1])
    some_id = str(jobs[1].id)
    for text in ("[]", '{"absent": 7}', "{"):
        line = {"job_id": some_id, "job": text, "before": "", "event": "Created"}
        await redis.xadd("jobs:journal", dict([*line.items(), ("token", "1"), ("at", "1")]))
    await store.add(jobs[2])

    pages = [await journal.read(limit=limit) for limit in (1, 2, 3, 4)]

    assert [[entry.job for entry in page] for page in pages] == [
        *(jobs[:1], jobs[:2], jobs),
        jobs,
    ]
    assert "left a line out" in caplog.text
    await journal.trim(through=pages[-1][1].position)
    assert [entry.job for entry in await journal.read(limit=9)] == jobs[2:]
    assert await journal.length() == 4


async def test_positions_of_one_millisecond_and_of_the_next_sort_as_they_came(
    redis: Redis, store: RedisJobStore, journal: RedisJobJournal
) -> None:
    await store.add(a_job())
    [(_, fields)] = await redis.xrange("jobs:journal")
    await redis.delete("jobs:journal")
    ids = ["999-9", "999-10", "1000-0", "1000-99", "1000-100"]
    for each in ids:
        await redis.xadd("jobs:journal", fields, id=each)

    positions = [entry.position for entry in await journal.read(limit=9)]

    assert positions == sorted(positions)
    await journal.trim(through=positions[1])
    left: Any = await redis.xrange("jobs:journal")
    assert [line_id.decode() for line_id, _ in left] == ids[2:]


async def test_a_long_journal_is_read_page_by_page(
    store: RedisJobStore, journal: RedisJobJournal
) -> None:
    jobs = [a_job() for _ in range(250)]
    for job in jobs:
        await store.add(job)

    assert [entry.job for entry in await journal.read(limit=230)] == jobs[:230]
    assert [entry.job for entry in await journal.read(limit=999)] == jobs
    assert await journal.length() == 250
