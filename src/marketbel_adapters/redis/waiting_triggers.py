"""Triggers that wait in Redis lists, and jobs that wait in arq's queues: what they mention."""

import json
import re
from collections.abc import Awaitable, Iterator, Sequence
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_core.intake.stored_file import mentioned_names
from marketbel_core.ports import WaitingTriggers

__all__ = ["RedisWaitingTriggers"]

_WAITING: Final = ("parse:triggers", "parse-tasks", "retry:triggers")
_LISTS: Final = (*_WAITING, *(f"marketbel:inbox:taken:{key}" for key in _WAITING))
_PAYLOAD_PREFIX: Final = "arq:job:"
_PAYLOADS_AT_ONCE: Final = 500
_WORDS: Final = re.compile(r"[^\s\"'`,;{}\[\]()<>|]+")
"""What may be a path or an id in a text that is not JSON."""


class RedisWaitingTriggers(WaitingTriggers):
    """Reads the lists of the admin interface and the payloads of queues; takes nothing away."""

    def __init__(
        self, redis: Redis, *, lists: Sequence[str] = _LISTS, queues: Sequence[str] = ()
    ) -> None:
        """Look through `redis`, a client that does not decode responses.

        Args:
            redis: Where triggers wait.
            lists: Keys of lists of triggers.
            queues: Names of arq's queues, whose payloads are JSON.
        """
        self._redis = redis
        self._lists = tuple(lists)
        self._queues = tuple(queues)

    async def mentions(self) -> frozenset[str]:
        names: set[str] = set()
        for raw in [*await self._triggers(), *await self._payloads()]:
            for word in _words(raw):
                names |= mentioned_names(word)
        return frozenset(names)

    async def _triggers(self) -> list[bytes]:
        found: list[bytes] = []
        for key in self._lists:
            with translated():
                # All at once: between two pages, a consumer would shift the list.
                # The driver types one method for its two clients; this is the one that is awaited.
                reply = cast("Awaitable[list[bytes]]", self._redis.lrange(key, 0, -1))
                found += await reply
        return found

    async def _payloads(self) -> list[bytes]:
        found: list[bytes] = []
        for queue in self._queues:
            with translated():
                ids = cast("list[bytes]", await self._redis.zrange(queue, 0, -1))
            for start in range(0, len(ids), _PAYLOADS_AT_ONCE):
                page = ids[start : start + _PAYLOADS_AT_ONCE]
                keys = [_PAYLOAD_PREFIX.encode() + member for member in page]
                with translated():
                    payloads = cast("list[bytes | None]", await self._redis.mget(keys))
                found += [payload for payload in payloads if payload is not None]
        return found


def _words(raw: bytes) -> Iterator[str]:
    """Give every text in a message, and in one that is not JSON whatever may be a word."""
    text = raw.decode(errors="replace")
    try:
        waiting: list[object] = [json.loads(text)]
    except (ValueError, RecursionError):
        yield from _WORDS.findall(text)
        return
    while waiting:
        match waiting.pop():
            case str(word):
                yield word
            case dict(fields):
                waiting += fields.values()
            case list(values):
                waiting += values
            case _:
                pass
