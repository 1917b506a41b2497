"""The pool that callers enqueue through: JSON, our queue, and an id that means one job."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from arq.connections import RedisSettings
from arq.worker import async_check_health
from redis.exceptions import ConnectionError as RedisConnectionError

from marketbel_adapters.arq import JsonArqRedis, create_pool, redis_settings_of

pytestmark = pytest.mark.valkey

ID = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11"


@pytest.fixture
async def pool(redis_url: str) -> AsyncIterator[JsonArqRedis]:
    with patch.dict(os.environ, {"REDIS_URL": redis_url, "QUEUE_NAME": "callers-queue"}):
        opened = await create_pool()
    yield opened
    await opened.aclose()


async def test_the_documented_call_waits_on_our_queue_as_json(pool: JsonArqRedis) -> None:
    job = await pool.enqueue_job(
        "download_and_trigger_ml",
        task_id=f"download-{ID}",
        job_id=ID,
        supplier_id=ID,
        source_type="google_sheets",
        source_url="https://docs.google.com/spreadsheets/d/abc",
        use_ml_processing=True,
    )

    assert job is not None
    assert await pool.zcard("callers-queue") == 1
    payload = json.loads(await pool.get(f"arq:job:{job.job_id}"))
    assert payload["f"] == "download_and_trigger_ml"
    assert payload["k"]["job_id"] == ID


@pytest.mark.parametrize("name", ["job_id", "task_id"])
async def test_an_id_among_the_arguments_is_queued_once(pool: JsonArqRedis, name: str) -> None:
    kwargs: dict[str, Any] = {name: ID}
    other: dict[str, Any] = {name: ID[::-1]}

    first = await pool.enqueue_job("parse_task", **kwargs, supplier_name="Acme")
    second = await pool.enqueue_job("parse_task", **kwargs, supplier_name="Acme")
    other_task = await pool.enqueue_job("match_items_task", **kwargs)
    other_id = await pool.enqueue_job("parse_task", **other)

    assert first is not None
    assert second is None
    assert other_task is not None
    assert other_id is not None


async def test_jobs_without_an_id_are_all_queued(pool: JsonArqRedis) -> None:
    jobs = [await pool.enqueue_job("poll_ml_job_status_task") for _ in range(2)]

    assert None not in jobs


async def test_an_id_that_a_caller_chose_for_the_queue_wins(pool: JsonArqRedis) -> None:
    job = await pool.enqueue_job("parse_task", _job_id="mine", job_id=ID)

    assert job is not None
    assert job.job_id == "mine"


async def test_arqs_own_settings_are_taken(redis_url: str) -> None:
    place = urlsplit(redis_url)
    settings = RedisSettings(
        host=place.hostname or "",
        port=place.port or 6379,
        username=place.username,
        password=place.password,
        database=int(place.path.strip("/") or 0) if place.hostname else 0,
        unix_socket_path=None if place.hostname else place.path,
    )

    opened = await create_pool(settings, queue_name="settings-queue")

    assert await opened.enqueue_job("parse_task") is not None
    assert await opened.zcard("settings-queue") == 1
    await opened.aclose()


async def test_the_address_is_built_of_its_parts_when_no_url_is_set() -> None:
    parts = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "1", "REDIS_PASSWORD": "p@ss/word"}

    with (
        patch.dict(os.environ, {**parts, "REDIS_URL": ""}),
        pytest.raises(RedisConnectionError, match=r"127\.0\.0\.1:1") as caught,
    ):
        await create_pool()

    assert "p@ss" not in str(caught.value)


async def test_arqs_own_check_finds_the_sign_of_a_worker(
    pool: JsonArqRedis, redis_url: str
) -> None:
    asked = redis_settings_of(redis_url)
    before = await async_check_health(asked, queue_name="callers-queue")
    await pool.set("callers-queue:health-check", "j_complete=0")

    assert before == 1
    assert await async_check_health(asked, queue_name="callers-queue") == 0


def test_an_address_is_told_to_arq_in_all_its_parts() -> None:
    over_tls = redis_settings_of("rediss://reader:p%40ss@redis.example:6380/3")
    by_socket = redis_settings_of("unix:///run/redis.sock?db=2")

    assert (over_tls.host, over_tls.port, over_tls.database) == ("redis.example", 6380, 3)
    assert (over_tls.username, over_tls.password, over_tls.ssl) == ("reader", "p@ss", True)
    assert (by_socket.unix_socket_path, by_socket.database) == ("/run/redis.sock", 2)
    assert not by_socket.ssl
