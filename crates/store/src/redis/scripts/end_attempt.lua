-- Records the result of an attempt, for one of its counters.
-- KEYS: attempts. ARGV: whether it took a place there, "right", "wrong" or "unknown", milliseconds after which all is
-- forgotten.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local open = tonumber(redis.call('HGET', KEYS[1], 'open') or '0')
if ARGV[1] == '1' and open > 0 then
  open = redis.call('HINCRBY', KEYS[1], 'open', -1)
end
if ARGV[2] == 'wrong' then
  local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
  if now - last > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], 'count') end
  redis.call('HINCRBY', KEYS[1], 'count', 1)
  redis.call('HSET', KEYS[1], 'last', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
elseif ARGV[2] == 'right' then
  redis.call('HDEL', KEYS[1], 'count', 'last')
end
if open == 0 and redis.call('HEXISTS', KEYS[1], 'count') == 0 then
  redis.call('DEL', KEYS[1])
end
return 1
