-- Keeps a room in the index, as one that may have members.
-- KEYS: rooms. ARGV: room, version of its newest membership change. Returns how many rooms were added.
return redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
