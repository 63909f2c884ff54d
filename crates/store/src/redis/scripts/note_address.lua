-- Notes an address from which a user logged in, and removes those that are no longer usual.
-- KEYS: usual addresses. ARGV: address, maximum number of addresses, milliseconds for which an address is usual.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - tonumber(ARGV[3])))
local excess = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[2])
if excess > 0 then
  redis.call('ZREM', KEYS[1], unpack(redis.call('ZRANGE', KEYS[1], 0, excess - 1)))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
