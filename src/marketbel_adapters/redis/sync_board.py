"""The turn to sync in Redis, by the server's clock, and the keys in which the API reads of it.

Who has the turn, and until when, is in a hash of ours. `sync:lock` and `sync:status` show it, and
last a second unless the holder is heard of: one that died leaves nothing that says it runs. A
`sync:lock` that a stranger has set counts as his turn. `sync:last_run` and `settings:*` are the
API's sockets as well.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final, Self, cast

from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis

from marketbel_adapters.redis.connection import translated
from marketbel_core.ports import (
    AtOnce,
    ChosenSheet,
    SyncBoard,
    SyncBusy,
    SyncNotDue,
    SyncState,
    SyncTurn,
    SyncView,
    SyncWish,
)

__all__ = ["RedisSyncBoard"]

_LOCK: Final = "sync:lock"
_STATUS: Final = "sync:status"
_LAST_RUN: Final = "sync:last_run"
_OURS: Final = "marketbel:sync"
_KEYS: Final = (_LOCK, _STATUS, _LAST_RUN, _OURS)
_SHEET_URL: Final = "settings:master_sheet_url"
_SHEET_NAME: Final = "settings:master_sheet_name"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SHOWN: Final = timedelta(seconds=1)

# KEYS everywhere: 1 the lock, 2 the status, 3 the last run, 4 what is ours.
_COMMON: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function whole(ms) return string.format('%.0f', ms) end
-- Days to dates: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
local function iso(ms)
  local seconds = math.floor(ms / 1000)
  local z = math.floor(seconds / 86400) + 719468
  local doe = z % 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524)
    - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + math.floor(z / 146097) * 400 + (month <= 2 and 1 or 0)
  local rest = seconds % 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month,
    doy - math.floor((153 * mp + 2) / 5) + 1, math.floor(rest / 3600),
    math.floor(rest / 60) % 60, rest % 60, ms % 1000)
end
local function status(state, task, started, current, total)
  return cjson.encode({state = state, task_id = task or cjson.null,
    started_at = started or cjson.null, progress_current = tonumber(current),
    progress_total = tonumber(total)})
end
local function idle() redis.call('SET', KEYS[2], status('idle', nil, nil, 0, 0)) end
-- Has the status say that nobody syncs when a holder has died, or an older worker has.
local function tidy()
  if redis.call('EXISTS', KEYS[1]) == 1 then return end
  local told = redis.call('GET', KEYS[2])
  if not told or not string.find(told, '"idle"', 1, true) then idle() end
end
-- Whose turn it is; `nil` when it is nobody's.
local function holder()
  local kept = redis.call('HMGET', KEYS[4], 'call_id', 'task_id', 'until_ms')
  if kept[1] and tonumber(kept[3] or '0') > now then return kept[2] end
  return redis.call('GET', KEYS[1]) or nil
end
local function held(token)
  local kept = redis.call('HMGET', KEYS[4], 'token', 'task_id', 'call_id', 'until_ms')
  local lock = redis.call('GET', KEYS[1])
  return kept[1] == token and kept[3] and tonumber(kept[4] or '0') > now
    and (not lock or lock == kept[2])
end
-- Shows the turn for so many milliseconds, or for as long as it is held if that is less.
local function show(milliseconds)
  local kept = redis.call('HMGET', KEYS[4], 'task_id', 'until_ms', 'shown')
  local lasting = math.max(math.min(tonumber(milliseconds), tonumber(kept[2]) - now), 1)
  redis.call('SET', KEYS[1], kept[1], 'PX', whole(lasting))
  redis.call('SET', KEYS[2], kept[3], 'PX', whole(lasting))
end
"""

_CLAIM: Final = (
    _COMMON
    + """
-- ARGV: 1 task id or '', 2 id of this call, 3 milliseconds to hold, 4 milliseconds between syncs
-- or '' for at once, 5 milliseconds to show.  A client that lost the reply asks again with the
-- same call id.
redis.call('HSETNX', KEYS[4], 'era', whole(now))
local kept = redis.call('HMGET', KEYS[4], 'era', 'last_ms', 'counted', 'call_id', 'task_id',
  'token', 'started_ms', 'due_ms')
local due
if ARGV[4] ~= '' then
  due = kept[2] and tonumber(kept[2]) + tonumber(ARGV[4]) or tonumber(kept[1])
end
local whose = holder()
if whose then
  if kept[4] == ARGV[2] and whose == kept[5] then
    return {'turn', kept[5], kept[6], kept[1], kept[7], kept[8]}
  end
  if due and now >= due and kept[3] ~= whole(due) then
    redis.call('HINCRBY', KEYS[4], 'skipped', 1)
    redis.call('HSET', KEYS[4], 'counted', whole(due))
  end
  return {'busy', whose}
end
tidy()
if due and now < due then return {'not_due', whole(due)} end
local task = ARGV[1]
if task == '' then task = 'sync-scheduled-' .. whole(math.floor(due / 1000)) end
local token = whole(redis.call('HINCRBY', KEYS[4], 'token', 1))
local due_ms = due and whole(due) or ''
redis.call('HSET', KEYS[4], 'call_id', ARGV[2], 'task_id', task, 'started_ms', whole(now),
  'due_ms', due_ms, 'until_ms', whole(now + ARGV[3]),
  'shown', status('syncing_master', task, iso(now), 0, 0))
show(ARGV[5])
return {'turn', task, token, kept[1], whole(now), due_ms}
"""
)
_RENEW: Final = (
    _COMMON
    + """
-- ARGV: 1 token, 2 milliseconds to hold, 3 milliseconds to show
if not held(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[4], 'until_ms', whole(now + ARGV[2]))
show(ARGV[3])
return 1
"""
)
_TELL: Final = (
    _COMMON
    + """
-- ARGV: 1 token, 2 state, 3 how many, 4 of how many, 5 milliseconds to show
if not held(ARGV[1]) then return 0 end
local kept = redis.call('HMGET', KEYS[4], 'task_id', 'started_ms')
redis.call('HSET', KEYS[4], 'shown',
  status(ARGV[2], kept[1], iso(tonumber(kept[2])), ARGV[3], ARGV[4]))
show(ARGV[5])
return 1
"""
)
_FINISH: Final = (
    _COMMON
    + """
-- ARGV: 1 token, 2 '1' when it succeeded, 3 id of this call, 4 key of the wish
if redis.call('HGET', KEYS[4], 'finish_id') == ARGV[3] then return 1 end
if not held(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[4], 'call_id')
redis.call('HSET', KEYS[4], 'finish_id', ARGV[3])
idle()
if ARGV[2] == '1' and redis.call('HGET', KEYS[4], 'last_key') ~= ARGV[4] then
  redis.call('HSET', KEYS[4], 'last_ms', whole(now), 'last_key', ARGV[4])
  redis.call('HINCRBY', KEYS[4], 'completed', 1)
  redis.call('SET', KEYS[3], iso(now))
end
return 1
"""
)
_VIEW: Final = (
    _COMMON
    + """
tidy()
local kept = redis.call('HMGET', KEYS[4], 'completed', 'skipped', 'last_ms')
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '',
  kept[1] or '0', kept[2] or '0', kept[3] or ''}
"""
)


class _StatusText(BaseModel):
    """What `sync:status` says; a stranger's, which may be anything, says that nobody syncs."""

    state: SyncState = SyncState.IDLE
    progress_current: int = 0
    progress_total: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls()


class RedisSyncBoard(SyncBoard):
    """Grants the turn to workers on many machines, whatever their own clocks say."""

    def __init__(self, redis: Redis, *, shown: timedelta = _SHOWN) -> None:
        """Keep the board.

        Args:
            redis: A client that does not decode responses.
            shown: How long the API is told of a turn whose holder is silent.
        """
        self._redis = redis
        self._shown_ms = _milliseconds(shown)
        self._claim = redis.register_script(_CLAIM)
        self._renew = redis.register_script(_RENEW)
        self._tell = redis.register_script(_TELL)
        self._finish = redis.register_script(_FINISH)
        self._view = redis.register_script(_VIEW)

    async def claim(
        self, wish: SyncWish, *, duration: timedelta
    ) -> SyncTurn | SyncBusy | SyncNotDue:
        arguments: list[int | str] = [
            wish.task_id if isinstance(wish, AtOnce) else "",
            secrets.token_hex(8),
            _milliseconds(duration),
            "" if isinstance(wish, AtOnce) else _milliseconds(wish.every),
            self._shown_ms,
        ]
        with translated():
            answer = await self._claim(keys=_KEYS, args=arguments)
        outcome, first, *rest = (
            raw.decode(errors="replace") for raw in cast("list[bytes]", answer)
        )
        if outcome == "busy":
            return SyncBusy(task_id=first)
        if outcome == "not_due":
            return SyncNotDue(next_at=_instant(first))
        token, era, started_ms, due_ms = rest
        return SyncTurn(
            task_id=first,
            key=wish.key if isinstance(wish, AtOnce) else f"scheduled:{due_ms}",
            era=era,
            token=int(token),
            started_at=_instant(started_ms),
        )

    async def renew(self, turn: SyncTurn, *, duration: timedelta) -> bool:
        arguments = [turn.token, _milliseconds(duration), self._shown_ms]
        with translated():
            return bool(await self._renew(keys=_KEYS, args=arguments))

    async def tell(
        self, turn: SyncTurn, state: SyncState, *, current: int = 0, total: int = 0
    ) -> bool:
        arguments: list[int | str] = [*(turn.token, state.value, current, total, self._shown_ms)]
        with translated():
            return bool(await self._tell(keys=_KEYS, args=arguments))

    async def finish(self, turn: SyncTurn, *, succeeded: bool) -> bool:
        arguments = [turn.token, "1" if succeeded else "0", secrets.token_hex(8), turn.key]
        with translated():
            return bool(await self._finish(keys=_KEYS, args=arguments))

    async def view(self) -> SyncView:
        with translated():
            answer = await self._view(keys=_KEYS, args=[])
        lock, status, completed, skipped, last_ms = (
            raw.decode(errors="replace") for raw in cast("list[bytes]", answer)
        )
        shown = _StatusText.read(status) if lock else _StatusText()
        return SyncView(
            state=shown.state,
            holder=lock or None,
            progress_current=shown.progress_current,
            progress_total=shown.progress_total,
            last_run=_instant(last_ms) if last_ms else None,
            completed=int(completed),
            skipped=int(skipped),
        )

    async def chosen_sheet(self) -> ChosenSheet:
        with translated():
            found = await self._redis.mget([_SHEET_URL, _SHEET_NAME])
        url, name = ((raw or b"").decode(errors="replace").strip() or None for raw in found)
        return ChosenSheet(location=url, sheet_name=name)


def _milliseconds(duration: timedelta) -> int:
    """Return `duration` in whole milliseconds, rounded up: the unit that the server counts in."""
    if duration <= timedelta():
        raise ValueError(f"a turn must last some time, got {duration}")
    return -(-duration // _MILLISECOND)


def _instant(milliseconds: str) -> datetime:
    return _EPOCH + int(milliseconds) * _MILLISECOND
