-- Notes that a session has left a room.
-- KEYS: session. ARGV: generation, room.
local function without(rooms)
  local kept = ''
  for room in string.gmatch(rooms, '%S+') do
    if room ~= ARGV[2] then kept = kept .. ' ' .. room end
  end
  return kept
end
local session = redis.call('HMGET', KEYS[1], 'generation', 'rooms')
if session[1] == ARGV[1] then redis.call('HSET', KEYS[1], 'rooms', without(session[2])) end
return 1
