-- Takes a room out of the index, unless it changed since.
-- KEYS: rooms. ARGV: room, number of the change after which nobody was there.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
