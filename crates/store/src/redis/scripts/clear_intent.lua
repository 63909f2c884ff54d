-- Notes that a session has left a room, unless it noted a later enter of that room.
-- KEYS: session. ARGV: generation, room, seq.
local session = redis.call('HMGET', KEYS[1], 'generation', 'rooms')
if session[1] ~= ARGV[1] then return 0 end
local kept = {}
for room, noted in string.gmatch(session[2], '(%S+):(%d+)') do
  if room ~= ARGV[2] or tonumber(noted) > tonumber(ARGV[3]) then table.insert(kept, room .. ':' .. noted) end
end
redis.call('HSET', KEYS[1], 'rooms', table.concat(kept, ' '))
return 1
