-- Ends the sessions of an account, if it exists: counts a kick, and increases the generation, which no session has then.
-- A repetition ends later sessions, too.
-- KEYS: user. Returns when the account was created and its number of kicks, or nothing: no such account.
local account = redis.call('HMGET', KEYS[1], 'hash', 'created', 'generation')
if not account[1] then return false end
if account[3] then
  -- By the clock, as in a claim: a failover may have lost the claim of a session that still lives.
  local time = redis.call('TIME')
  local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', math.max(tonumber(account[3]) + 1, micros)))
end
local kicks = tonumber(redis.call('HGET', KEYS[1], 'kicks') or '0') + 1
redis.call('HSET', KEYS[1], 'kicks', string.format('%.0f', kicks))
return {account[2], string.format('%.0f', kicks)}
