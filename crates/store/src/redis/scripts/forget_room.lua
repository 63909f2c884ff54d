-- Forgets a room of a user, and its mark if nothing was read there. So marks are bounded by the rooms that have a log.
-- KEYS: rooms, marks. ARGV: room, target of the mark.
redis.call('SREM', KEYS[1], ARGV[1])
if redis.call('HGET', KEYS[2], ARGV[2]) == '0' then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
