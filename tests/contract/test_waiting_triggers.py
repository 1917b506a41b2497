"""Triggers that wait: in memory, and in the lists and queues of Redis."""

import json
from collections.abc import AsyncIterator, Awaitable
from typing import cast

import pytest
from redis.asyncio import Redis

from marketbel_adapters.arq import pool_on
from marketbel_adapters.memory import MemoryWaitingTriggers
from marketbel_adapters.redis import RedisWaitingTriggers, create_redis
from marketbel_adapters.testing.waiting_triggers import WaitingTriggersContract, WatchedTriggers
from marketbel_core.errors import ProtocolError, UnavailableError

LISTS = [
    *("parse:triggers", "parse-tasks", "retry:triggers"),
    *("marketbel:inbox:taken:parse:triggers", "marketbel:inbox:taken:parse-tasks"),
]
NAME = "0c5f39a1-6d3d-4c5e-9f5f-0f2f0e7b1a11_1767225600000_list.xlsx"
QUEUE = "test-queue"


class TestMemoryWaitingTriggers(WaitingTriggersContract):
    @pytest.fixture
    def watched(self) -> WatchedTriggers:
        triggers = MemoryWaitingTriggers()

        async def let_wait(text: str) -> None:
            triggers.wait_for(text)

        async def take(text: str) -> None:
            triggers.taken(text)

        return WatchedTriggers(triggers=triggers, let_wait=let_wait, take=take)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


async def push(redis: Redis, key: str, raw: str | bytes) -> None:
    await cast("Awaitable[int]", redis.rpush(key, raw))


@pytest.mark.valkey
class TestRedisWaitingTriggers(WaitingTriggersContract):
    @pytest.fixture(params=LISTS)
    def watched(self, redis: Redis, request: pytest.FixtureRequest) -> WatchedTriggers:
        key: str = request.param

        def trigger(text: str) -> str:
            return json.dumps({"parser_type": "excel", "source_config": {"file_path": text}})

        async def let_wait(text: str) -> None:
            await push(redis, key, trigger(text))

        async def take(text: str) -> None:
            await cast("Awaitable[int]", redis.lrem(key, 1, trigger(text)))

        return WatchedTriggers(triggers=RedisWaitingTriggers(redis), let_wait=let_wait, take=take)


@pytest.mark.valkey
@pytest.mark.parametrize(
    "raw",
    [
        f'{{"source_config": {{"file_path": "/shared/uploads/{NAME}"',
        f"file_path=/shared/uploads/{NAME}; half",
        b"\xff\xfe" + f" '/shared/uploads/{NAME}' ".encode(),
        "[" * 50_000 + f" {NAME} ",
        f"[{'9' * 5_000}, {NAME}]",
    ],
    ids=["half", "words", "no text", "deep", "a huge number"],
)
async def test_what_is_no_json_is_searched_for_names(redis: Redis, raw: str | bytes) -> None:
    await push(redis, "parse:triggers", raw)

    assert NAME in await RedisWaitingTriggers(redis).mentions()


@pytest.mark.valkey
@pytest.mark.parametrize("raw", ["", "null", "7", '"\\ud83d"', b"\x00\xff", "{}", '{"a": [[]]}'])
async def test_garbage_mentions_nothing_and_hides_nothing(redis: Redis, raw: str | bytes) -> None:
    for text in (raw, json.dumps({"file_path": NAME}), raw):
        await push(redis, "parse:triggers", text)

    assert NAME in await RedisWaitingTriggers(redis).mentions()


@pytest.mark.valkey
async def test_a_job_that_waits_in_a_queue_mentions_its_file(redis: Redis) -> None:
    pool = pool_on(redis.connection_pool, queue_name=QUEUE)
    await pool.enqueue_job("parse_task", task_id="t", source_config={"file_path": f"/up/{NAME}"})
    await pool.enqueue_job("courier_task", job_id=NAME[:36])
    for number in range(600):  # more than one page, and payloads that have expired
        await redis.zadd(QUEUE, {f"gone-{number}": number})

    assert {NAME, NAME[:36]} <= await RedisWaitingTriggers(redis, queues=[QUEUE]).mentions()
    assert NAME not in await RedisWaitingTriggers(redis).mentions()


@pytest.mark.valkey
@pytest.mark.parametrize("key", [*LISTS, QUEUE])
async def test_a_key_that_holds_something_else_is_told(redis: Redis, key: str) -> None:
    await redis.set(key, "x")

    with pytest.raises(ProtocolError) as caught:
        await RedisWaitingTriggers(redis, queues=[QUEUE]).mentions()

    assert caught.value.code == "redis.wrong_type"


async def test_a_silent_server_is_unavailable() -> None:
    async with Redis(unix_socket_path="/nowhere/redis.sock") as redis:
        with pytest.raises(UnavailableError) as caught:
            await RedisWaitingTriggers(redis).mentions()

    assert caught.value.code == "redis.unavailable"
