"""A circuit breaker in Redis: one hash for all workers, one script a verb, the server's clock.

The scripts decide as `marketbel_core.jobs.breaker` does: the contract suite and a random machine
hold them to it.
"""

import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_core.jobs import (
    Admission,
    Admitted,
    BreakerPolicy,
    BreakerState,
    CircuitClosed,
    CircuitHalfOpen,
    CircuitOpen,
    Denied,
)
from marketbel_core.ports import Breaker

__all__ = ["ML_ANALYZE_BREAKER", "RedisBreaker"]

ML_ANALYZE_BREAKER: Final = "ml-analyze"
"""The breaker that stands before ml-analyze."""

_PREFIX: Final = "marketbel:breaker:"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function instant(ms) return string.format('%.0f', ms) end
"""

_ADMIT: Final = (
    _NOW
    + """
-- KEYS: the breaker.  ARGV: 1 id of this call, 2 the longest probe, 3 the first cool-down (ms)
-- Answers {1, turn} or {0, milliseconds to wait}.  A client that lost the reply asks again with
-- the same id, and is told that the probe is its own.
local kept = redis.call('HMGET', KEYS[1], 'state', 'turn', 'until', 'probe')
local state, turn = kept[1] or 'closed', tonumber(kept[2] or 0)
if state == 'closed' or (state == 'half_open' and kept[4] == ARGV[1]) then return {1, turn} end
local left = tonumber(kept[3]) - now
if left > 0 then
  if state == 'half_open' then left = math.min(left, tonumber(ARGV[3])) end
  return {0, left}
end
redis.call('HSET', KEYS[1], 'state', 'half_open', 'turn', turn + 1,
  'until', instant(now + ARGV[2]), 'probe', ARGV[1])
return {1, turn + 1}
"""
)

_RECORD: Final = (
    _NOW
    + """
-- KEYS: the breaker.  ARGV: 1 id of this call, 2 turn, 3 '1' for a success, 4 failures in a row
-- that open the circuit, 5 the first cool-down, 6 the longest one (ms)
-- Answers 1 when the circuit opened or closed.  An id that was counted last is not counted again.
local kept = redis.call('HMGET', KEYS[1], 'state', 'turn', 'failures', 'trips', 'counted')
local state, turn = kept[1] or 'closed', tonumber(kept[2] or 0)
if tonumber(ARGV[2]) ~= turn or kept[5] == ARGV[1] then return 0 end

local function open(trips)
  local cool = math.min(tonumber(ARGV[6]), math.ceil(ARGV[5] * 2 ^ (trips - 1)))
  redis.call('HSET', KEYS[1], 'state', 'open', 'turn', turn + 1, 'trips', trips, 'failures', 0,
    'until', instant(now + cool))
  return 1
end

if state == 'closed' then
  local failures = ARGV[3] == '1' and 0 or tonumber(kept[3] or 0) + 1
  if failures >= tonumber(ARGV[4]) then return open(1) end
  redis.call('HSET', KEYS[1], 'failures', failures, 'counted', ARGV[1])
elseif state == 'half_open' then
  if ARGV[3] ~= '1' then return open(tonumber(kept[4]) + 1) end
  redis.call('HSET', KEYS[1], 'state', 'closed', 'turn', turn + 1, 'failures', 0, 'trips', 0)
  return 1
end
return 0
"""
)


class RedisBreaker(Breaker):
    """Keeps workers on many machines from a neighbour in trouble; one key a breaker.

    The key is never removed: breakers are few, one a neighbour. When Redis lost it, the circuit is
    closed. When the reply to an outcome that opened or closed the circuit was lost, the driver
    asks again and hears `False`.
    """

    def __init__(self, redis: Redis, *, name: str, policy: BreakerPolicy | None = None) -> None:
        """Keep the breaker `name` through `redis`, a client that does not decode responses."""
        self._redis = redis
        self._key = _PREFIX + name
        self._policy = policy or BreakerPolicy()
        self._admit = redis.register_script(_ADMIT)
        self._record = redis.register_script(_RECORD)

    async def admit(self) -> Admission:
        arguments: list[int | str] = [
            secrets.token_hex(8),
            _milliseconds(self._policy.probe_max),
            _milliseconds(self._policy.cool_down),
        ]
        with translated():
            answer = await self._admit(keys=[self._key], args=arguments)
        may_ask, figure = cast("list[int]", answer)  # what the script returns
        return Admitted(turn=figure) if may_ask else Denied(retry_after=figure * _MILLISECOND)

    async def record(self, admitted: Admitted, *, success: bool) -> bool:
        arguments: list[int | str] = [
            secrets.token_hex(8),
            admitted.turn,
            "1" if success else "0",
            self._policy.failures_max,
            _milliseconds(self._policy.cool_down),
            _milliseconds(self._policy.cool_down_max),
        ]
        with translated():
            return bool(await self._record(keys=[self._key], args=arguments))

    async def state(self) -> BreakerState:
        with translated():
            # The driver's stubs speak for its synchronous client, too.
            stored = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(self._key))
        kept = {name.decode(): value.decode() for name, value in stored.items()}
        turn = int(kept.get("turn", 0))
        match kept.get("state", "closed"):
            case "open":
                return CircuitOpen(turn=turn, trips=int(kept["trips"]), until=_until(kept))
            case "half_open":
                return CircuitHalfOpen(turn=turn, trips=int(kept["trips"]), until=_until(kept))
            case _:
                return CircuitClosed(turn=turn, failures=int(kept.get("failures", 0)))


def _until(kept: dict[str, str]) -> datetime:
    return _EPOCH + int(kept["until"]) * _MILLISECOND


def _milliseconds(duration: timedelta) -> int:
    """Return `duration` in whole milliseconds, rounded up: the unit that the server counts in."""
    return -(-duration // _MILLISECOND)
