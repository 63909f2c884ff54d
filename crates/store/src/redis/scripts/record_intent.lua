-- Notes that a session is about to enter a room, so that a server that ends the session knows the room.
-- KEYS: session. ARGV: generation, room, seq. Returns 1, or 0: no session, -1: a later session exists.
local session = redis.call('HMGET', KEYS[1], 'generation', 'rooms')
if not session[1] then return 0 end
if session[1] ~= ARGV[1] then
  if tonumber(session[1]) > tonumber(ARGV[1]) then return -1 end
  return 0
end
local kept, seq = '', tonumber(ARGV[3])
for room, noted in string.gmatch(session[2], '(%S+):(%d+)') do
  if room == ARGV[2] then seq = math.max(seq, tonumber(noted)) else kept = kept .. room .. ':' .. noted .. ' ' end
end
redis.call('HSET', KEYS[1], 'rooms', kept .. ARGV[2] .. ':' .. string.format('%.0f', seq))
return 1
