"""Leases in Redis, by the server's clock."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_core.ports import Lease, Leases

__all__ = ["RedisLeases"]

_LEASE_PREFIX: Final = "marketbel:lease:"
_TOKEN_PREFIX: Final = "marketbel:lease-token:"  # noqa: S105 - a key's name, no password
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_HOLD: Final = """
-- ARGV[1]: milliseconds to last.  The key goes at the very instant that the holder is told.
local function hold()
  local now = redis.call('TIME')
  local expires = now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[1]
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expires))
  return expires
end
"""

_ACQUIRE: Final = (
    _HOLD
    + """
-- KEYS: the lease, the counter of its name's tokens.  ARGV[2]: id of this call.
-- A client that lost the reply asks again with the same id, and is told what it holds already.
local held = redis.call('HMGET', KEYS[1], 'token', 'call_id')
if held[1] then
  if held[2] ~= ARGV[2] then return false end
  return {tonumber(held[1]), hold()}
end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'token', token, 'call_id', ARGV[2])
return {token, hold()}
"""
)

_RENEW: Final = (
    _HOLD
    + """
-- KEYS: the lease.  ARGV[2]: its token.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return false end
return hold()
"""
)

_RELEASE: Final = """
-- KEYS: the lease.  ARGV[1]: its token.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisLeases(Leases):
    """Grants rights to workers on many machines; one key a lease, which expires by itself.

    A name's token counter is kept for ever: names are few (a step, a supplier), never per file.
    When the reply to a release was lost, the driver asks again and hears `False`.
    """

    def __init__(self, redis: Redis) -> None:
        """Keep leases through `redis`, a client that does not decode responses."""
        self._acquire = redis.register_script(_ACQUIRE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)

    async def acquire(self, name: str, *, duration: timedelta) -> Lease | None:
        arguments: list[int | str] = [_milliseconds(duration), secrets.token_hex(8)]
        with translated():
            answer = await self._acquire(
                keys=[_LEASE_PREFIX + name, _TOKEN_PREFIX + name], args=arguments
            )
        if answer is None:
            return None
        token, expires_ms = cast("list[int]", answer)  # what the script returns
        return Lease(name=name, token=token, expires_at=_instant(expires_ms))

    async def renew(self, lease: Lease, *, duration: timedelta) -> Lease | None:
        arguments = [_milliseconds(duration), lease.token]
        with translated():
            answer = await self._renew(keys=[_LEASE_PREFIX + lease.name], args=arguments)
        if answer is None:
            return None
        expires_at = _instant(cast("int", answer))  # what the script returns
        return Lease(name=lease.name, token=lease.token, expires_at=expires_at)

    async def release(self, lease: Lease) -> bool:
        with translated():
            return bool(await self._release(keys=[_LEASE_PREFIX + lease.name], args=[lease.token]))


def _milliseconds(duration: timedelta) -> int:
    """Return `duration` in whole milliseconds, rounded up: the unit that the server counts in."""
    if duration <= timedelta():
        raise ValueError(f"a lease must last some time, got {duration}")
    return -(-duration // _MILLISECOND)


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND
