-- Makes an account unless the name is taken, also by one that is being deleted; one with the same hash is this one.
-- KEYS: user. ARGV: hash, role, created. Answers 1, or 0: taken.
local taken = redis.call('HMGET', KEYS[1], 'hash', 'created')
if taken[1] or taken[2] then return taken[1] == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'role', ARGV[2], 'created', ARGV[3])
return 1
