-- Returns the head of a log. If the log is unknown, this creates its epoch.
-- KEYS: meta. ARGV: epoch if there is none. Returns epoch and newest number.
local head = redis.call('HMGET', KEYS[1], 'top', 'epoch')
if not head[2] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
  head[2] = ARGV[1]
end
touch_ttl(KEYS[1], head[1])
return {head[2], head[1] or '0'}
