-- Appends to the feed of a user: number, entry and message in one step.
-- KEYS: log, meta, session. ARGV: user, generation, seq, time, text, kept, epoch if there is none, epoch and number
-- known.
-- Returns the number, or 0: no session, -1: a later session exists, -2: a repeated append that is not found any more.
local session = redis.call('HMGET', KEYS[3], 'generation', 'seq')
if not session[1] then return 0 end
if session[1] ~= ARGV[2] then
  if tonumber(session[1]) > tonumber(ARGV[2]) then return -1 end
  return 0
end
local id = append(tonumber(session[2]))
-- A repeated append is older than the newest.
if id > 0 and tonumber(session[2]) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[3], 'seq', ARGV[3]) end
return id
