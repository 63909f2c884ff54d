-- Sees to it that a room is in the index, unless there are too many.
-- KEYS: rooms. ARGV: room, rooms at most besides the lobby, lobby. Answers 1, or 0: too many.
if ARGV[1] == ARGV[3] or redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
local others = redis.call('ZCARD', KEYS[1])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then others = others - 1 end
if others >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1
