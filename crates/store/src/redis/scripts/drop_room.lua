-- Notes that nobody is in a room, unless that changed since: one with a log stays in the index, under -1, and counts.
-- KEYS: rooms. ARGV: room, number of the change after which nobody was there, 1 if it has a log or 0.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) > tonumber(ARGV[2]) then return 1 end
if ARGV[3] == '1' then redis.call('ZADD', KEYS[1], -1, ARGV[1]) else redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
