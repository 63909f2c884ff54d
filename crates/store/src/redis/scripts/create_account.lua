-- Makes an account unless the name is taken; one with the same hash is this one.
-- KEYS: user. ARGV: hash, role, created. Answers 1, or 0: taken.
local hash = redis.call('HGET', KEYS[1], 'hash')
if hash then return hash == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'role', ARGV[2], 'created', ARGV[3])
return 1
