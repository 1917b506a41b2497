"""The fields of `job:{id}`, which the admin interface reads, to the byte."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any, Final
from uuid import UUID

import pytest
from redis.asyncio import Redis

from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.testing.builders import NOW, a_full_job, a_job
from marketbel_core.catalog import SourceRef, SourceType
from marketbel_core.ids import JobId, SupplierId
from marketbel_core.jobs import (
    Failure,
    Job,
    JobProgress,
    Phase,
)

pytestmark = pytest.mark.valkey

_BARE: Final = a_job(id=JobId(UUID(int=0xA)), supplier_id=SupplierId(UUID(int=0xB)))
_FULL: Final = replace(
    a_full_job(), id=JobId(UUID(int=0xA)), supplier_id=SupplierId(UUID(int=0xB))
)

_BARE_FIELDS: Final = {
    "job_id": "00000000-0000-0000-0000-00000000000a",
    "supplier_id": "00000000-0000-0000-0000-00000000000b",
    "supplier_name": "ООО «Ромашка»",
    "phase": "downloading",
    "status": "pending",
    "file_type": "excel",
    "source_url": "https://example.com/lists/march.xlsx",
    "download_bytes": "0",
    "download_total": "0",
    "items_processed": "0",
    "items_total": "0",
    "matches_found": "0",
    "review_queue_count": "0",
    "error_count": "0",
    "error": "",
    "error_details": "[]",
    "can_retry": "true",
    "retry_count": "0",
    "max_retries": "3",
    "ml_job_id": "",
    "created_at": "2026-03-14T09:26:53.589793+00:00",
    "started_at": "",
    "completed_at": "",
}
_FULL_FIELDS: Final = _BARE_FIELDS | {
    "supplier_name": "ИП «Ёлкин & сыновья»\n\t\U0001f384",
    "phase": "failed",
    "status": "failed",
    "file_type": "csv",
    "source_url": "/uploads/прайс март.csv",
    "download_bytes": "1",
    "download_total": "2",
    "items_processed": "3",
    "items_total": "4",
    "matches_found": "5",
    "review_queue_count": "6",
    "error_count": "7",
    "error": "Лист «Итого» не читается.",
    "error_details": '["строка 7: нет цены", "", "a \\"quoted\\" \\\\ one"]',
    "retry_count": "2",
    "max_retries": "4",
    "ml_job_id": "an-analysis",
    "started_at": "2026-03-14T09:27:53.589793+00:00",
    "completed_at": "2026-03-14T09:28:53.589793+00:00",
}


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


@pytest.mark.parametrize(
    ("job", "expected"), [(_BARE, _BARE_FIELDS), (_FULL, _FULL_FIELDS)], ids=["bare", "full"]
)
async def test_the_admin_interface_finds_its_fields_to_the_byte(
    redis: Redis, store: RedisJobStore, job: Job, expected: dict[str, str]
) -> None:
    await store.add(job)

    stored = await _fields(redis, job)

    wanted = {name.encode(): text.encode() for name, text in expected.items()}
    assert {name: stored.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (_BARE, b"pending"),
        (replace(_BARE, started_at=NOW), b"processing"),
        (replace(_BARE, phase=Phase.ANALYZING), b"processing"),
        (replace(_BARE, phase=Phase.MATCHING), b"processing"),
        (replace(_BARE, phase=Phase.COMPLETE), b"completed"),
        (replace(_BARE, phase=Phase.FAILED), b"failed"),
    ],
)
async def test_the_status_is_the_interfaces_word_for_the_phase(
    redis: Redis, store: RedisJobStore, job: Job, status: bytes
) -> None:
    await store.add(job)

    assert (await _fields(redis, job))[b"status"] == status


@pytest.mark.parametrize(
    ("source", "file_type"),
    [
        (SourceRef(type=SourceType.EXCEL, location="https://example.com/a.csv?x=1"), b"csv"),
        (SourceRef(type=SourceType.CSV, location="https://example.com/export"), b"csv"),
        (SourceRef(type=SourceType.CSV, location="/a", original_filename="Прайс.PDF"), b"pdf"),
        (SourceRef(type=SourceType.GOOGLE_SHEETS, location="https://x.by/1.csv"), b"excel"),
        (SourceRef(type=SourceType.EXCEL, location="https://[no-address"), b"excel"),
    ],
)
async def test_the_file_type_follows_the_name_that_people_know(
    redis: Redis, store: RedisJobStore, source: SourceRef, file_type: bytes
) -> None:
    job = replace(_BARE, source=source)

    await store.add(job)

    assert (await _fields(redis, job))[b"file_type"] == file_type


async def test_after_the_last_attempt_no_retry_is_offered(
    redis: Redis, store: RedisJobStore
) -> None:
    job = replace(_FULL, attempt=5)

    await store.add(job)

    assert (await _fields(redis, job))[b"can_retry"] == b"false"


async def test_shown_figures_never_pass_their_totals(redis: Redis, store: RedisJobStore) -> None:
    await store.add(_BARE)
    beyond = JobProgress(download_bytes=3, download_total=2, items_processed=5, items_total=4)

    await store.record_progress(_BARE.id, beyond, expected_version=0, at=NOW)

    names = ["download_bytes", "download_total", "items_processed", "items_total"]
    fields = await _fields(redis, _BARE)
    assert [fields[name.encode()] for name in names] == [b"2", b"2", b"4", b"4"]
    assert (await store.get(_BARE.id)).progress == beyond


async def test_figures_of_unknown_totals_are_shown_as_they_are(
    redis: Redis, store: RedisJobStore
) -> None:
    job = replace(_BARE, progress=JobProgress(download_bytes=3, items_processed=5))

    await store.add(job)

    fields = await _fields(redis, job)
    assert (fields[b"download_bytes"], fields[b"items_processed"]) == (b"3", b"5")


async def test_instants_elsewhere_in_the_world_are_stored_in_utc(
    redis: Redis, store: RedisJobStore
) -> None:
    minsk = timezone(timedelta(hours=3))
    job = replace(_BARE, created_at=NOW.astimezone(minsk), changed_at=NOW.astimezone(minsk))

    await store.add(job)

    assert (await _fields(redis, job))[b"created_at"] == b"2026-03-14T09:26:53.589793+00:00"
    assert await store.get(job.id) == job


async def test_what_the_interface_does_not_know_is_ours_in_the_same_hash(
    redis: Redis, store: RedisJobStore
) -> None:
    await store.add(_FULL)

    stored = await _fields(redis, _FULL)

    ours = {
        "generation": "2",
        "deliveries": "2",
        "deferrals": "3",
        "waits": "4",
        "resubmissions": "1",
        "not_before": "2026-03-14T09:30:53.589793+00:00",
        "progressed_at": "2026-03-14T09:28:23.589793+00:00",
        "deferred_by": '["disk.full", "Нет места.", "python-ingestion", "1", ""]',
        "location_shortened": "true",
        "token": "7",
        "version": "11",
    }
    found = {name: stored[name.encode()].decode() for name in ours}
    assert found == ours


async def test_half_a_character_in_somebodys_message_loses_no_job(store: RedisJobStore) -> None:
    failure = Failure(code="ml.failed", message="\ud83d", details=("\ud83d",))
    job = replace(_BARE, phase=Phase.FAILED, failure=failure)

    await store.add(job)

    assert await store.get(job.id) == job
