-- Ends the sessions of an account, if it exists: counts a kick, and increases the generation, which no session has then.
-- A repetition ends later sessions, too.
-- KEYS: user. Returns when the account was created and its number of kicks, or nothing: no such account.
local account = redis.call('HMGET', KEYS[1], 'hash', 'created', 'generation')
if not account[1] then return false end
if account[3] then
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', tonumber(account[3]) + 1))
end
local kicks = tonumber(redis.call('HGET', KEYS[1], 'kicks') or '0') + 1
redis.call('HSET', KEYS[1], 'kicks', string.format('%.0f', kicks))
return {account[2], string.format('%.0f', kicks)}
