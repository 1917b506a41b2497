"""The Lua scripts of the queue and its marks: each is one atomic step and bears being run twice.

A mark is arq's key `arq:in-progress:{id}`. arq writes `1` into it and anybody may remove it; here
it holds the name of the worker whose it is, and lasts for a short lease that the worker renews.
"""

from typing import Final

__all__ = ["CLAIM", "ENQUEUE", "HAND_BACK", "RENEW"]

CLAIM: Final = """
-- KEYS: the queue, the queue of heavy work
-- ARGV: 1 worker, 2 milliseconds of the lease, 3 now, 4 how many at most, 5 prefix of the marks,
--       6 prefix of the jobs, 7 how many names of heavy functions, the names..., the ids...
-- A client that lost the reply asks again, and is given again what it has marked already.
local heavy, first_id = {}, 8 + tonumber(ARGV[7])
for i = 8, first_id - 1 do heavy[ARGV[i]] = true end

local function is_heavy(id)
  if first_id == 8 then return false end
  local written = redis.pcall('GET', ARGV[6] .. id)
  if type(written) ~= 'string' then return false end
  local read, job = pcall(cjson.decode, written)
  return read and type(job) == 'table' and type(job.f) == 'string' and heavy[job.f]
end

local room, claimed = tonumber(ARGV[4]), {}
for i = first_id, #ARGV do
  local id = ARGV[i]
  local due = redis.call('ZSCORE', KEYS[1], id)
  if due and tonumber(due) <= tonumber(ARGV[3]) then
    local holder = redis.call('GET', ARGV[5] .. id)
    if not holder or holder == ARGV[1] then
      if is_heavy(id) then
        redis.call('ZADD', KEYS[2], 'NX', due, id)
        redis.call('ZREM', KEYS[1], id)
      elseif room > 0 then
        redis.call('SET', ARGV[5] .. id, ARGV[1], 'PX', ARGV[2])
        claimed[#claimed + 1] = {id, due}
        room = room - 1
      end
    end
  end
end
return claimed
"""
"""Answers pairs of an id and the instant that it was due at. Heavy work is moved on, not claimed:
id, arguments and tries stay, and it is never in no queue at all."""

RENEW: Final = """
-- KEYS: marks.  ARGV: 1 worker, 2 milliseconds of the lease
local renewed = 0
for _, mark in ipairs(KEYS) do
  if redis.call('GET', mark) == ARGV[1] then
    renewed = renewed + redis.call('PEXPIRE', mark, ARGV[2])
  end
end
return renewed
"""

HAND_BACK: Final = """
-- KEYS: the mark, the counter of tries, the counter of tries given back
-- ARGV: 1 worker, 2 how many tries are given back at most, 3 seconds for which that is counted
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
local given_back = redis.call('INCR', KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[3])
local tries = tonumber(redis.call('GET', KEYS[2]) or '0')
if tries > 0 and given_back <= tonumber(ARGV[2]) then redis.call('DECR', KEYS[2]) end
return 1
"""
"""Answers whether the mark was still this worker's."""

ENQUEUE: Final = """
-- KEYS: the payload, the result, the queue
-- ARGV: 1 id, 2 payload, 3 milliseconds for which it is kept, 4 when it is due
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('PSETEX', KEYS[1], ARGV[3], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
return 1
"""
"""What arq's `enqueue_job` does in three round trips; answers whether it was news."""
