-- Releases the session of a claim whose answer was lost, if it exists.
-- KEYS: session, ending. ARGV: server, ticket.
local session = redis.call('HMGET', KEYS[1], 'server', 'ticket')
if session[1] == ARGV[1] and session[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end
local ending = redis.call('HGETALL', KEYS[2])
for i = 1, #ending, 2 do
  if string.find(ending[i + 1], ARGV[1] .. ' ' .. ARGV[2] .. ' ', 1, true) == 1 then
    redis.call('HDEL', KEYS[2], ending[i])
  end
end
return 1
