-- Changes one field of an account, if the account exists and, if an old value is given, the field has this value.
-- KEYS: user. ARGV: field, value, old value or ''. Returns 1, or 0: not changed.
if redis.call('HEXISTS', KEYS[1], 'hash') == 0 then return 0 end
local now = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[3] ~= '' and now ~= ARGV[3] and now ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
