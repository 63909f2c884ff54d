-- Returns the epoch of all data here. If there is none, Redis is empty, and this begins one.
-- KEYS: epoch. ARGV: epoch if there is none.
local epoch = redis.call('GET', KEYS[1])
if epoch then return epoch end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
