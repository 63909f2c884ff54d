-- Deletes an account unless the name already belongs to a new one. The first step keeps the creation time, so that the
-- name stays taken. The last step removes that time, the follows and the addresses, and leaves a mark. The session is
-- over, because the generation is increased and no session has the new one.
-- KEYS: user, followers, following, addresses. ARGV: created, 'last' in the last step.
-- Returns the followers and the publishers that the account follows; or nothing: the name belongs to a new account.
if redis.call('HGET', KEYS[1], 'created') ~= ARGV[1] then return false end
local generation = redis.call('HGET', KEYS[1], 'generation')
if redis.call('HDEL', KEYS[1], 'hash', 'role') > 0 and generation then
  -- By the clock, as in a claim: a failover may have lost the claim of a session that still lives.
  local time = redis.call('TIME')
  local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', math.max(tonumber(generation) + 1, micros)))
end
local follows = {redis.call('SMEMBERS', KEYS[2]), redis.call('SMEMBERS', KEYS[3])}
if ARGV[2] == 'last' then
  redis.call('HDEL', KEYS[1], 'created', 'kicks')
  redis.call('HSET', KEYS[1], 'deleted', '1')
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
end
return follows
