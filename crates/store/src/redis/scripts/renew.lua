-- Renews the lease of a server.
-- KEYS: lease. ARGV: milliseconds, then fields and values. Answers whether it was there, and the time.
local existed = redis.call('EXISTS', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
local time = redis.call('TIME')
return {existed, time[1], time[2]}
