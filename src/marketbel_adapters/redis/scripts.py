"""The Lua scripts of the job store: each is one atomic step, and bears being carried out twice.

A client that loses a reply sends its command again. `ADD` and `RECORD_PROGRESS` are idempotent by
nature; `SAVE` marks each write with the call's own id and knows its own work again by it.
"""

from typing import Final

__all__ = ["ADD", "LIST_IN", "RECORD_PROGRESS", "SAVE"]

_STORE: Final = """
-- KEYS: the job's hash, jobs:active, the index of the job's phase, the indexes of the other phases
-- ARGV: 1 job id, 2 milliseconds to live, 3 '1' when active, 4 score, 5 expected version,
--       6 new version, 7 id of this write, 8... field, value
local function store()
  redis.call('HSET', KEYS[1], 'write_id', ARGV[7], unpack(ARGV, 8))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call(ARGV[3] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
  for i = 4, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
end
"""

ADD: Final = (
    _STORE
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then store() end
"""
)

SAVE: Final = (
    _STORE
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'missing', ''} end
local stored = redis.call('HGET', KEYS[1], 'version') or ''
if stored == ARGV[5] then
  store()
elseif stored ~= ARGV[6] or redis.call('HGET', KEYS[1], 'write_id') ~= ARGV[7] then
  return {'stale', stored}
end
return {'saved', stored}
"""
)
"""Answers `saved`, `missing` or `stale`, and the version that it found (`''`: there was none)."""

RECORD_PROGRESS: Final = """
-- KEYS: the job's hash.  ARGV: 1 milliseconds to live, 2 expected version, 3... field, value
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""

LIST_IN: Final = """
-- KEYS: the index of the phase, jobs:active
-- ARGV: 1 prefix of the jobs' hashes, 2 how many to skip, 3 how many at most
local place, room, found = tonumber(ARGV[2]), tonumber(ARGV[3]), {}
while room > 0 do
  local ids = redis.call('ZRANGE', KEYS[1], place, place + room - 1)
  if #ids == 0 then break end
  for _, id in ipairs(ids) do
    local fields = redis.call('HGETALL', ARGV[1] .. id)
    if #fields == 0 then
      redis.call('ZREM', KEYS[1], id)
      redis.call('SREM', KEYS[2], id)
    else
      found[#found + 1] = {id, fields}
      place, room = place + 1, room - 1
    end
  end
end
return found
"""
"""Answers pairs of an id and a hash, in order; ids whose hash has expired leave the index and
`jobs:active` on the way."""
