-- Failed logins of an account or an address; counts one more if told to.
-- KEYS: attempts. ARGV: 0 or 1, milliseconds after which all is forgotten. Answers how many, and the
-- milliseconds since the last.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if ARGV[1] == '1' then
  redis.call('HINCRBY', KEYS[1], 'count', 1)
  redis.call('HSET', KEYS[1], 'last', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local known = redis.call('HMGET', KEYS[1], 'count', 'last')
return {tonumber(known[1] or '0'), now - tonumber(known[2] or '0')}
