"""The clean-up by command and by worker, on real Redis and a real folder."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from redis.asyncio import Redis

from marketbel_adapters.disk import DiskFileStore
from marketbel_adapters.redis import RedisJobStore, create_redis
from marketbel_adapters.system import SystemClock
from marketbel_adapters.testing.builders import a_job
from marketbel_adapters.testing.files import a_sidecar, chunks_of
from marketbel_core.ids import FileKey, JobId
from marketbel_core.intake import file_key
from marketbel_runtime.settings import Settings
from marketbel_runtime.worker import make_worker
from tests.system.forked import run_command

pytestmark = [pytest.mark.valkey, pytest.mark.processes]

OLD = timedelta(hours=30)
SUPPLIER = JobId(UUID("0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a12"))
ACTIVE = a_job(id=JobId(UUID("0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a13")))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


async def carried(folder: Path, job_id: JobId, *, ago: timedelta) -> FileKey:
    at = SystemClock().now() - ago
    store, key = DiskFileStore(folder), file_key(job_id, at=at, filename="прайс.csv")
    await store.store(key, chunks_of(b"bytes"), size_bytes_max=9)
    await store.attach(key, replace(a_sidecar(), job_id=job_id, downloaded_at=at))
    return key


async def a_folder(folder: Path, redis: Redis) -> tuple[set[str], set[str]]:
    """Fill the folder; return the names that must go and those that must stay."""
    await RedisJobStore(redis).add(ACTIVE)
    waiting = file_key(SUPPLIER, at=SystemClock().now() - OLD, filename="waiting.csv")
    done = file_key(SUPPLIER, at=SystemClock().now() - OLD, filename="done.csv")
    trigger = json.dumps({"source_config": {"file_path": str(folder / waiting)}})
    await cast("Awaitable[int]", redis.rpush("parse:triggers", trigger))
    part = f".{done}.0123456789abcdef.part"
    for name in (waiting, done, part, "notes.txt"):
        (folder / name).write_bytes(b"bytes")
    os.utime(folder / part, (0, 0))
    old = await carried(folder, JobId(UUID(int=1 << 100)), ago=OLD)
    young = await carried(folder, JobId(UUID(int=1 << 101)), ago=timedelta(hours=20))
    active = await carried(folder, ACTIVE.id, ago=OLD)
    stay = {waiting, "notes.txt", young, active}
    stay |= {f"{key}.meta.json" for key in (young, active)}
    return {done, part, old, f"{old}.meta.json"}, stay


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": "", **variables}
    return await asyncio.to_thread(run_command, "cleanup", *arguments, environment=environment)


async def test_the_command_tells_first_and_removes_then(
    redis_url: str, redis: Redis, uploads: Path
) -> None:
    go, stay = await a_folder(uploads, redis)
    where = {"REDIS_URL": redis_url, "UPLOADS_DIR": str(uploads), "QUEUE_NAME": "test-queue"}

    dry = await run("--dry-run", "--json", **where)
    assert names(uploads) == go | stay
    wet = await run("--json", **where)
    again = await run(**where)

    told = [json.loads(done.stdout.rstrip().rpartition("\n")[2]) for done in (dry, wet)]
    assert [done.returncode for done in (dry, wet, again)] == [0, 0, 0], wet.stderr
    assert names(uploads) == stay
    assert [each["files_found"] for each in told] == [3, 3]
    assert [each["files_deleted"] for each in told] == [0, 3]
    assert told[1]["bytes_freed"] == told[0]["bytes_found"] > 15
    assert set(told[0]["names"]) == {name for name in go if not name.endswith(".meta.json")}
    kept = {"active_job": 1, "awaited": 1, "stranger": 1, "young": 1}
    assert told[0]["skipped"] == told[1]["skipped"] == kept
    assert all(each["ok"] and each["errors"] == [] for each in told)
    assert dry.stderr.count("would be removed: ") == 3
    assert "0 files, 0 bytes removed" in again.stdout


async def test_the_command_takes_hours_of_the_callers(
    redis_url: str, redis: Redis, uploads: Path
) -> None:
    await a_folder(uploads, redis)
    where = {"REDIS_URL": redis_url, "UPLOADS_DIR": str(uploads)}

    longer = await run("--ttl-hours", "31", "--dry-run", "--json", **where)
    shorter = await run("--ttl-hours", "12", "--dry-run", "--json", **where)
    refused = await run("--ttl-hours", "0", "--json", **where)

    assert json.loads(longer.stdout)["files_found"] == 1  # the part, which is from 1970
    assert json.loads(shorter.stdout)["files_found"] == 4
    assert refused.returncode == 2


async def test_the_command_removes_nothing_without_redis(tmp_path: Path, uploads: Path) -> None:
    key = await carried(uploads, ACTIVE.id, ago=OLD)
    where = {"REDIS_URL": f"unix://{tmp_path}/none.sock", "UPLOADS_DIR": str(uploads)}

    done = await run("--json", **where)

    told = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    assert (done.returncode, told["code"]) == (1, "redis.unavailable")
    assert key in names(uploads)


@pytest.mark.postgres
async def test_a_worker_cleans_up_when_it_starts_and_holds_its_turn_for_six_hours(
    settings: Settings,
    redis: Redis,
    until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]],
) -> None:
    folder = settings.uploads_dir
    go, stay = await a_folder(folder, redis)

    async def is_clean() -> bool:
        return not go & names(folder)

    running = asyncio.create_task(make_worker(settings).run())
    await until(is_clean)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert names(folder) == stay
    held_ms = await redis.pttl("marketbel:lease:clean-up")
    assert timedelta(hours=5) < timedelta(milliseconds=held_ms) <= timedelta(hours=6)
