-- Takes the user's session in one step; the one before is fenced off by its smaller generation.
-- KEYS: session, ending, takeovers, user. ARGV: server, connection, policy, takeovers at most (0: any),
-- within milliseconds, time, a server that is known to be dead.
-- Answers 'granted', generation, sessions that are ending; or 'taken', server; or 'loop', milliseconds.
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local old = redis.call('HMGET', KEYS[1], 'generation', 'server', 'connection', 'rooms')
local generation = old[1]
local is_retry = generation and old[2] == ARGV[1] and old[3] == ARGV[2]
if not is_retry then
  if generation and old[2] ~= ARGV[7] then
    if ARGV[3] == 'reject' then return {'taken', old[2]} end
    local max, now = tonumber(ARGV[4]), math.floor(micros / 1000)
    if max > 0 then
      redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[5]))
      if redis.call('ZCARD', KEYS[3]) >= max then
        local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
        return {'loop', tonumber(oldest) + tonumber(ARGV[5]) - now}
      end
      redis.call('ZADD', KEYS[3], now, string.format('%.0f', micros))
      redis.call('PEXPIRE', KEYS[3], ARGV[5])
    end
  end
  if generation then redis.call('HSET', KEYS[2], generation, old[2] .. ' ' .. old[3] .. ' ' .. old[4]) end
  local last = tonumber(redis.call('HGET', KEYS[4], 'generation') or '0')
  if generation then last = math.max(last, tonumber(generation)) end
  -- By the clock, so that it grows also if the store was lost in between.
  generation = string.format('%.0f', math.max(last + 1, micros))
  redis.call('HSET', KEYS[4], 'generation', generation)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'server', ARGV[1], 'connection', ARGV[2], 'generation', generation,
    'rooms', '', 'seq', '0', 'since', ARGV[6])
end
return {'granted', generation, redis.call('HGETALL', KEYS[2])}
