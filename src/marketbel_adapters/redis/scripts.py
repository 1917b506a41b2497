"""The Lua scripts of the job store, one a verb: each is one atomic step by the server's clock.

A client that loses a reply sends its command again, so each script bears being carried out twice.
Some are idempotent by nature; the others leave the call's own id in the job's hash (`write_id`,
`claim_id`, `release_id`, `purge_id`) and know their own work again by it. Hashes go in and out as
one text of JSON each: a driver takes ten times as long over a hundred arguments.
"""

from typing import Final

__all__ = [
    "ADD",
    "CLAIM",
    "DROP_LEASE",
    "EXPIRED",
    "PURGE",
    "READ",
    "RECORD_PROGRESS",
    "RELEASE",
    "RENEW",
    "SAVE",
]

_NOW: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

_TEXT: Final = """
-- A whole hash as JSON, '' when there is none, and as a table.
local function text_of(key)
  local fields, flat = {}, redis.call('HGETALL', key)
  if #flat == 0 then return '', fields end
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return cjson.encode(fields), fields
end
"""

_JOURNAL: Final = (
    _TEXT
    + """
-- Tells of the job as its hash stands now, and returns that as JSON.
local function journal(event, before, token, location)
  local text, job = text_of(KEYS[1])
  local line = {
    'job_id', ARGV[1], 'event', event, 'before', before, 'after', job['phase'], 'token', token,
    'version', job['version'] or '', 'attempt', (tonumber(job['retry_count']) or 0) + 1,
    'at', now, 'job', text}
  if location ~= '' then
    line[#line + 1] = 'location'
    line[#line + 1] = location
  end
  redis.call('XADD', KEYS[4], '*', unpack(line))
  return text
end
"""
)

_STORE: Final = (
    _NOW
    + _JOURNAL
    + """
-- KEYS: 1 the job's hash, 2 jobs:active, 3 the leases, 4 the journal, 5 the dead letters,
--       6 the count of refused writes, 7 the index of the job's phase, 8... those of the others
-- ARGV: 1 job id, 2 id of this call, 3 milliseconds to live, 4 '1' when active, 5 score,
--       6 what becomes of the dead letter: 'add', 'drop' or 'keep', 7 event
local function store(fields)
  redis.call('HSET', KEYS[1], 'write_id', ARGV[2], unpack(cjson.decode(fields)))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call(ARGV[4] == '1' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
  for i = 8, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
  redis.call('ZADD', KEYS[7], ARGV[5], ARGV[1])
  if ARGV[6] == 'add' then
    redis.call('SADD', KEYS[5], ARGV[1])
    redis.call('PEXPIRE', KEYS[5], ARGV[3])
  elseif ARGV[6] == 'drop' then
    redis.call('SREM', KEYS[5], ARGV[1])
  end
end
"""
)

ADD: Final = (
    _STORE
    + """
-- ARGV: 8 token, 9 the whole address for the journal or '', 10 fields and values as JSON
if redis.call('EXISTS', KEYS[1]) == 0 then
  store(ARGV[10])
  journal(ARGV[7], '', ARGV[8], ARGV[9])
  return 1
end
return 0
"""
)

SAVE: Final = (
    _STORE
    + """
-- ARGV: 8 expected version, 9 expected token, 10 the phases from which the event leads here,
--       11 '1' when the lease ends with it, 12 '1' when it must have expired already,
--       13 token for the journal, 14 fields and values as JSON
local stored = redis.call('HMGET', KEYS[1], 'version', 'token', 'phase', 'write_id')
if stored[4] == ARGV[2] then return {'saved', ''} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'missing', ''} end
if stored[1] ~= ARGV[8] or stored[2] ~= ARGV[9] then
  if ARGV[12] ~= '1' then redis.call('HINCRBY', KEYS[6], 'stale', 1) end
  return {'stale', stored[1] or ''}
end
local before = stored[3] or ''
if not string.find(ARGV[10], ' ' .. before .. ' ', 1, true) then
  redis.call('HINCRBY', KEYS[6], 'illegal', 1)
  return {'illegal', before}
end
if ARGV[12] == '1' then
  local expires = redis.call('ZSCORE', KEYS[3], ARGV[1])
  if not expires or tonumber(expires) > now then return {'stale', stored[1]} end
end
if ARGV[11] == '1' then redis.call('ZREM', KEYS[3], ARGV[1]) end
store(ARGV[14])
journal(ARGV[7], before, ARGV[13], '')
return {'saved', ''}
"""
)
"""Answers `saved`, `missing`, `stale` with the stored version, or `illegal` with the phase.

Two who take one expired lease away are no writers too many: nothing is counted as refused."""

CLAIM: Final = (
    _NOW
    + _JOURNAL
    + """
-- KEYS: 1 the job's hash, 2 jobs:active, 3 the leases, 4 the journal
-- ARGV: 1 job id, 2 id of this call, 3 milliseconds to live, 4 milliseconds of the lease,
--       5 the phases in which a job can be held
local stored = redis.call('HMGET', KEYS[1], 'phase', 'token', 'deliveries', 'claim_id')
local phase = stored[1]
if not phase or not tonumber(stored[2]) or not tonumber(stored[3]) then
  return text_of(KEYS[1])  -- no job at all, or none that can be read
end
local text
local expires = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not (expires and stored[4] == ARGV[2]) then
  if not string.find(ARGV[5], ' ' .. phase .. ' ', 1, true) then return false end
  if expires and tonumber(expires) > now then return false end
  local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
  if expires then redis.call('HINCRBY', KEYS[1], 'deliveries', 1) end
  redis.call('HSET', KEYS[1], 'claim_id', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  text = journal('Claimed', phase, token, '')
end
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return text or text_of(KEYS[1])
"""
)
"""Answers the hash under its new token, nothing when the job cannot be had, `''` when missing.

What becomes of token and deliveries is the core's `claimed`, a second time."""

RENEW: Final = (
    _NOW
    + """
-- KEYS: the job's hash, the leases.  ARGV: 1 job id, 2 token, 3 milliseconds of the lease
local token = tonumber(redis.call('HGET', KEYS[1], 'token') or '')
if token and token > tonumber(ARGV[2]) then return 'lost' end
if token ~= tonumber(ARGV[2]) or not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  return 'ended'
end
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
return 'held'
"""
)

RELEASE: Final = """
-- KEYS: the job's hash, the leases.  ARGV: 1 job id, 2 token, 3 id of this call
local stored = redis.call('HMGET', KEYS[1], 'token', 'release_id')
if stored[1] == ARGV[2] and redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'release_id', ARGV[3])
  return 1
end
return stored[2] == ARGV[3] and 1 or 0
"""

RECORD_PROGRESS: Final = """
-- KEYS: the job's hash
-- ARGV: 1 milliseconds to live, 2 expected version, 3 fields and values as JSON,
--       4 expected token, when it matters
local stored = redis.call('HMGET', KEYS[1], 'version', 'token')
if stored[1] ~= ARGV[2] or (ARGV[4] and stored[2] ~= ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], unpack(cjson.decode(ARGV[3])))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""

READ: Final = (
    _TEXT
    + """
-- KEYS: the index that the ids are from, jobs:active.  ARGV: 1 prefix of the hashes, 2... ids
local found = {}
for i = 2, #ARGV do
  local text = text_of(ARGV[1] .. ARGV[i])
  if text == '' then
    redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('SREM', KEYS[2], ARGV[i])
  else
    found[#found + 1] = {ARGV[i], text}
  end
end
return found
"""
)
"""Answers pairs of an id and a hash, in order; ids whose hash has expired leave the index and
`jobs:active` on the way."""

EXPIRED: Final = (
    _NOW
    + """
-- KEYS: the leases.  ARGV: 1 how many at most
return redis.call(
  'ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
"""
)
"""Answers ids and the instants at which their leases ended, one after the other."""

DROP_LEASE: Final = """
-- KEYS: the leases.  ARGV: 1 job id, 2 the instant of its end, as it was looked at
-- Whoever has claimed the job since then, keeps it.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
"""

PURGE: Final = """
-- KEYS: the dead letters, the job's hash.  ARGV: 1 job id, 2 id of this call
if redis.call('SREM', KEYS[1], ARGV[1]) == 1 then
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('HSET', KEYS[2], 'purge_id', ARGV[2])
  end
  return 1
end
return redis.call('HGET', KEYS[2], 'purge_id') == ARGV[2] and 1 or 0
"""
