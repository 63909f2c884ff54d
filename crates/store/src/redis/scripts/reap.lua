-- Removes the rest of a session on a dead server, after it was removed from its noted rooms.
-- KEYS: session, ending. ARGV: server, generation.
local session = redis.call('HMGET', KEYS[1], 'server', 'generation')
if session[1] == ARGV[1] and session[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end
local ending = redis.call('HGET', KEYS[2], ARGV[2])
if ending and string.find(ending, ARGV[1] .. ' ', 1, true) == 1 then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
