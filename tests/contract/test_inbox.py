"""The contract of `Inbox` over every adapter of it, and what the dead list of Redis says."""

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from marketbel_adapters.memory import MemoryInbox
from marketbel_adapters.redis import RedisInbox, create_redis
from marketbel_adapters.testing.inbox import InboxContract, Leave
from marketbel_core.ports import Inbox, Tray


class TestMemoryInbox(InboxContract):
    @pytest.fixture
    def inbox(self) -> MemoryInbox:
        return MemoryInbox()

    @pytest.fixture
    def leave(self, inbox: MemoryInbox) -> Leave:
        async def put(tray: Tray, message: str) -> None:
            inbox.put(tray, message)

        return put


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with create_redis(redis_url) as client:
        yield client


@pytest.mark.valkey
class TestRedisInbox(InboxContract):
    @pytest.fixture
    def inbox(self, redis: Redis) -> Inbox:
        return RedisInbox(redis)

    @pytest.fixture
    async def other_inbox(self, redis_url: str) -> AsyncIterator[Inbox]:
        async with create_redis(redis_url) as client:
            yield RedisInbox(client)

    @pytest.fixture
    def leave(self, redis: Redis) -> Leave:
        async def push(tray: Tray, message: str) -> None:
            command: dict[Tray, tuple[str, ...]] = {
                Tray.PARSE_TRIGGERS: ("RPUSH", tray.value, message),
                Tray.SYNC_TRIGGER: ("SET", tray.value, message, "EX", "300"),
            }
            words = command.get(tray, ("LPUSH", tray.value, message))
            await redis.execute_command(*words)  # type: ignore[no-untyped-call]

        return push


@pytest.mark.valkey
async def test_a_dead_message_rests_with_its_reason(redis: Redis) -> None:
    inbox = RedisInbox(redis)
    await redis.execute_command("LPUSH", "retry:triggers", b"\xff{")  # type: ignore[no-untyped-call]
    [message] = await inbox.take(Tray.RETRY_TRIGGERS, limit=1)

    await inbox.reject(Tray.RETRY_TRIGGERS, message, reason="it is no JSON")

    command = ("LRANGE", "marketbel:inbox:dead:retry:triggers", 0, -1)
    [dead] = await redis.execute_command(*command)  # type: ignore[no-untyped-call]
    assert json.loads(dead)["reason"] == "it is no JSON"
    assert await inbox.take(Tray.RETRY_TRIGGERS, limit=1) == []
