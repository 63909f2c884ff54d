-- Takes or renews the lease of a server. An expired lease is not renewed: other servers may be ending its sessions.
-- KEYS: lease. ARGV: milliseconds, 1 to take it or 0 to renew it, then fields and values.
-- Returns whether it is held, and the time.
local time = redis.call('TIME')
if ARGV[2] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then return {0, time[1], time[2]} end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1, time[1], time[2]}
