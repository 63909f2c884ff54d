-- Remembers a room of a user, with a mark unless it has one.
-- KEYS: rooms, marks. ARGV: room, target of the mark, number of the mark, maximum number of rooms.
-- Returns 1, or 0: there are too many rooms.
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 and redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
return 1
