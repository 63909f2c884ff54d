-- Releases a session. A successor's session is not touched.
-- KEYS: session, ending. ARGV: generation.
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
