-- Changes one field of an account, if it is there and has the old value where one is given.
-- KEYS: user. ARGV: field, value, old value or ''. Answers 1, or 0: not so.
if redis.call('HEXISTS', KEYS[1], 'hash') == 0 then return 0 end
local now = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[3] ~= '' and now ~= ARGV[3] and now ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
