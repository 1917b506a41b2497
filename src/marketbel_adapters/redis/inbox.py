"""The lists that the admin interface pushes to: moved before they are read, and none is lost.

A message goes from its list to a list of taken ones in one step, and leaves that when its work is
asked for. A taker that crashes leaves it there, and the next one finds it.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_core.ports import Inbox, Tray

__all__ = ["RedisInbox"]

_TAKEN_PREFIX: Final = "marketbel:inbox:taken:"
_DEAD_PREFIX: Final = "marketbel:inbox:dead:"
_DEAD_MAX: Final = 1_000
_DEAD_TIME_TO_LIVE: Final = timedelta(days=7)

_OLDEST_AT: Final[dict[Tray, str]] = {
    Tray.PARSE_TASKS: "RIGHT",
    Tray.PARSE_TRIGGERS: "LEFT",
    Tray.RETRY_TRIGGERS: "RIGHT",
    Tray.SYNC_TRIGGER: "",
}
"""The end of the list at which the oldest message is: the other one than the sender pushes to. A
trigger of a sync is no list, but one value that expires."""

_TAKE: Final = """
-- KEYS: the list, the list of what is taken (oldest first).
-- ARGV: limit, end of the oldest or '' for a single value
local limit = tonumber(ARGV[1])
local taken = redis.call('LLEN', KEYS[2])
if ARGV[2] == '' then
  local value = taken < limit and redis.call('GET', KEYS[1])
  if value then
    redis.call('RPUSH', KEYS[2], value)
    redis.call('DEL', KEYS[1])
  end
  return redis.call('LRANGE', KEYS[2], 0, limit - 1)
end
while taken < limit do
  if not redis.call('LMOVE', KEYS[1], KEYS[2], ARGV[2], 'RIGHT') then break end
  taken = taken + 1
end
return redis.call('LRANGE', KEYS[2], 0, limit - 1)
"""
_REJECT: Final = """
-- KEYS: what is taken, the dead ones.  ARGV: message, what to keep, how many, milliseconds
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
"""


class RedisInbox(Inbox):
    """Takes from the neighbours' lists. Rejected messages rest in `marketbel:inbox:dead:{list}`,
    the newest thousand for seven days, as JSON with `message` and `reason`.
    """

    def __init__(self, redis: Redis) -> None:
        """Take through `redis`, a client that does not decode responses."""
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._reject = redis.register_script(_REJECT)

    async def take(self, tray: Tray, *, limit: int) -> list[str]:
        if limit <= 0:
            return []
        with translated():
            answer = await self._take(
                keys=[tray.value, _TAKEN_PREFIX + tray.value], args=[limit, _OLDEST_AT[tray]]
            )
        return [_text(raw) for raw in cast("Sequence[bytes]", answer)]

    async def done(self, tray: Tray, message: str) -> None:
        with translated():
            # The driver's type says `int | Awaitable`; this client is the one that is awaited.
            await self._redis.lrem(_TAKEN_PREFIX + tray.value, 1, _raw(message))  # type: ignore[misc,arg-type]

    async def reject(self, tray: Tray, message: str, *, reason: str) -> None:
        kept = json.dumps({"message": message, "reason": reason}, ensure_ascii=True)
        lasting = _DEAD_TIME_TO_LIVE // timedelta(milliseconds=1)
        with translated():
            await self._reject(
                keys=[_TAKEN_PREFIX + tray.value, _DEAD_PREFIX + tray.value],
                args=[_raw(message), kept, _DEAD_MAX, lasting],
            )


def _text(raw: bytes) -> str:
    """Return the message as text that leads back to the very same bytes."""
    return raw.decode(errors="surrogateescape")


def _raw(message: str) -> bytes:
    return message.encode(errors="surrogateescape")
