-- Takes the user's session in one step. The previous session is fenced off by its smaller generation, and its server is
-- notified.
-- KEYS: session, ending, takeovers, user; and, if this is not a Cluster, the sessions of the server. ARGV: server, ticket, policy, maximum number of takeovers (0: no limit),
-- within milliseconds, a server that is known to be dead, deadline in microseconds, channel of a server without its id, the
-- note that the session is about to enter its first room, as record_intent makes it, entry among the sessions of the server.
-- Returns 'granted', generation, server and ticket of the previous session; or 'taken', server; or 'loop',
-- milliseconds; or 'late'.
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
if micros > tonumber(ARGV[7]) then return {'late'} end
-- So that a server that reaps this one finds the session. In a Cluster this is done before.
if KEYS[5] then redis.call('SADD', KEYS[5], ARGV[10]) end
local old = redis.call('HMGET', KEYS[1], 'generation', 'server', 'ticket', 'rooms')
local generation = old[1]
local ending = redis.call('HGETALL', KEYS[2])
-- The earlier answer was lost, and with it the previous session's server and ticket.
if generation and old[2] == ARGV[1] and old[3] == ARGV[2] then
  local newest, before = 0, ''
  for i = 1, #ending, 2 do
    if tonumber(ending[i]) > newest then newest, before = tonumber(ending[i]), ending[i + 1] end
  end
  local server, ticket = string.match(before, '^(%S+) (%S+)')
  return {'granted', generation, server or '', ticket or ''}
end
-- The earlier answer was lost, and a later claim displaced this session.
for i = 2, #ending, 2 do
  if string.find(ending[i], ARGV[1] .. ' ' .. ARGV[2] .. ' ', 1, true) == 1 then return {'late'} end
end
if generation and old[2] ~= ARGV[6] then
  if ARGV[3] == 'reject' then return {'taken', old[2]} end
  local max, now = tonumber(ARGV[4]), math.floor(micros / 1000)
  if max > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[5]))
    -- If the clock was set back, no user waits longer: from now on, a time in the future counts as now.
    for _, ahead in ipairs(redis.call('ZRANGE', KEYS[3], string.format('(%.0f', now), '+inf', 'BYSCORE')) do
      redis.call('ZADD', KEYS[3], now, ahead)
    end
    if redis.call('ZCARD', KEYS[3]) >= max then
      local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
      return {'loop', tonumber(oldest) + tonumber(ARGV[5]) - now}
    end
    redis.call('ZADD', KEYS[3], now, string.format('%.0f', micros))
    redis.call('PEXPIRE', KEYS[3], ARGV[5])
  end
end
local last = tonumber(redis.call('HGET', KEYS[4], 'generation') or '0')
if generation then
  redis.call('HSET', KEYS[2], generation, old[2] .. ' ' .. old[3] .. ' ' .. old[4])
  if old[2] ~= ARGV[1] then redis.call('PUBLISH', ARGV[8] .. '{' .. old[2] .. '}', 'displaced ' .. old[3]) end
  last = math.max(last, tonumber(generation))
end
-- The generation follows the clock, so it grows even if the store was lost in between.
generation = string.format('%.0f', math.max(last + 1, micros))
redis.call('HSET', KEYS[4], 'generation', generation)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'ticket', ARGV[2], 'generation', generation, 'rooms', ARGV[9], 'seq', '0',
  'since', time[1])
return {'granted', generation, old[2] or '', old[3] or ''}
