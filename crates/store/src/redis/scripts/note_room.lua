-- Notes that a session is about to enter a room, so that whoever ends it knows where to look.
-- KEYS: session. ARGV: generation, room. Answers 1, or 0: no session, -1: a later session is there.
local session = redis.call('HMGET', KEYS[1], 'generation', 'rooms')
if not session[1] then return 0 end
if session[1] ~= ARGV[1] then
  if tonumber(session[1]) > tonumber(ARGV[1]) then return -1 end
  return 0
end
for room in string.gmatch(session[2], '%S+') do
  if room == ARGV[2] then return 1 end
end
redis.call('HSET', KEYS[1], 'rooms', session[2] .. ' ' .. ARGV[2])
return 1
