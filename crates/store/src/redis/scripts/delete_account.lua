-- Takes an account away unless the name has its next owner by now: first all but its time, by which the name stays taken;
-- in the end that, too, and who followed whom and came from where, and a mark is left. Its session is over: nobody's has
-- the generation after it.
-- KEYS: user, followers, following, addresses. ARGV: created, 'last' in the end. Answers who follows it and whom it
-- follows; or nothing: the name is the next owner's.
if redis.call('HGET', KEYS[1], 'created') ~= ARGV[1] then return false end
local generation = redis.call('HGET', KEYS[1], 'generation')
if redis.call('HDEL', KEYS[1], 'hash', 'role') > 0 and generation then
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', tonumber(generation) + 1))
end
local follows = {redis.call('SMEMBERS', KEYS[2]), redis.call('SMEMBERS', KEYS[3])}
if ARGV[2] == 'last' then
  redis.call('HDEL', KEYS[1], 'created')
  redis.call('HSET', KEYS[1], 'deleted', '1')
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
end
return follows
