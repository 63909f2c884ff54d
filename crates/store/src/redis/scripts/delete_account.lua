-- Takes an account away unless the name has its next owner by now: first all but its time, by which the name stays taken,
-- in the end that, too. Its session is over: nobody's has the generation after it.
-- KEYS: user. ARGV: created, 'last' in the end. Answers 1, or 0: the next owner's.
if redis.call('HGET', KEYS[1], 'created') ~= ARGV[1] then return 0 end
local generation = redis.call('HGET', KEYS[1], 'generation')
if redis.call('HDEL', KEYS[1], 'hash', 'role') > 0 and generation then
  redis.call('HSET', KEYS[1], 'generation', string.format('%.0f', tonumber(generation) + 1))
end
if ARGV[2] == 'last' then redis.call('HDEL', KEYS[1], 'created') end
return 1
