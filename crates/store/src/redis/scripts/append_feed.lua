-- Appends to the feed of a user: number, entry and message in one step.
-- KEYS: log, meta, session; with a key also the numbers and the times of the author's keys. ARGV as above.
-- Returns the number, as a list if the key was used before; or 0: no session, -1: a later session exists, -2: a repeated
-- append that is not found any more.
local session = redis.call('HMGET', KEYS[3], 'generation', 'seq')
if not session[1] then return 0 end
if session[1] ~= ARGV[5] then
  if tonumber(session[1]) > tonumber(ARGV[5]) then return -1 end
  return 0
end
local id, known = append_once(tonumber(session[2]), KEYS[4], KEYS[5])
if known then return {id} end
-- A repeated append is older than the newest.
if id > 0 and tonumber(session[2]) < tonumber(ARGV[6]) then redis.call('HSET', KEYS[3], 'seq', ARGV[6]) end
return id
