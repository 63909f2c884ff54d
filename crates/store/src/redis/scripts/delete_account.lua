-- Deletes an account unless the name already belongs to a new one. The first step keeps the creation time, so that the
-- name stays taken. The last step removes that time and all other data of the user, and leaves a mark. The session is
-- over, because the generation is increased and no session has the new one. The last step is also told on the channel of
-- the feed, before anything that the next owner of the name publishes there.
-- KEYS: user, followers, following, blocks, users who block, tickets, then other keys of a user. ARGV: created, 'last' in the
-- last step, channel of the feed, message.
-- Returns the members of the four sets; or nothing: the name belongs to a new account.
if redis.call('HGET', KEYS[1], 'created') ~= ARGV[1] then return false end
local generation = redis.call('HGET', KEYS[1], 'generation')
if redis.call('HDEL', KEYS[1], 'hash', 'role') > 0 and generation then
  -- By the clock, as in a claim: a failover may have lost the claim of a session that still lives.
  local time = redis.call('TIME')
  local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', math.max(tonumber(generation) + 1, micros)))
end
redis.call('DEL', KEYS[6])
local others = {}
for i = 2, 5 do table.insert(others, redis.call('SMEMBERS', KEYS[i])) end
if ARGV[2] == 'last' then
  redis.call('HDEL', KEYS[1], 'created', 'kicks', 'bound')
  redis.call('HSET', KEYS[1], 'deleted', '1')
  redis.call('DEL', unpack(KEYS, 2))
  redis.call('SPUBLISH', ARGV[3], ARGV[4])
end
return others
