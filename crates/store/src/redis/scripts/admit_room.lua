-- Adds a room to the index, as one that may have members, unless there are too many rooms.
-- KEYS: rooms. ARGV: room, maximum number of rooms besides the lobby, and the lobby, which a server of a version before may
-- have added. Returns 1, or 0: too many.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then
  local others = redis.call('ZCARD', KEYS[1])
  if redis.call('ZSCORE', KEYS[1], ARGV[3]) then others = others - 1 end
  if others >= tonumber(ARGV[2]) then return 0 end
end
redis.call('ZADD', KEYS[1], 'GT', 0, ARGV[1])
return 1
