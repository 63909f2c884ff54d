-- Appends to what a user publishes: number, entry and news in one step.
-- KEYS: log, meta, session. ARGV: user, generation, seq, time, text, kept, epoch to be, number known.
-- Answers the number, or 0: no session, -1: a later session is there, -2: too late to be known.
local session = redis.call('HMGET', KEYS[3], 'generation', 'seq')
if not session[1] then return 0 end
if session[1] ~= ARGV[2] then
  if tonumber(session[1]) > tonumber(ARGV[2]) then return -1 end
  return 0
end
local id = append(tonumber(session[2]))
-- One that was seen before is older than the newest.
if id > 0 and tonumber(session[2]) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[3], 'seq', ARGV[3]) end
return id
