-- Makes an account unless the name is taken, also by one that is being deleted; one with the same hash is this one. What
-- the last session of an earlier owner left behind, who was deleted meanwhile, is forgotten. Not so where the account was
-- lost: there somebody comes back.
-- KEYS: user, following, addresses. ARGV: hash, role, created. Answers whom that one followed, or nothing: taken.
local taken = redis.call('HMGET', KEYS[1], 'hash', 'created')
if taken[1] or taken[2] then return taken[1] == ARGV[1] and {} end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'role', ARGV[2], 'created', ARGV[3])
if redis.call('HDEL', KEYS[1], 'deleted') == 0 then return {} end
local followed = redis.call('SMEMBERS', KEYS[2])
redis.call('DEL', KEYS[2], KEYS[3])
return followed
