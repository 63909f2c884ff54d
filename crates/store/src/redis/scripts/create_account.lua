-- Creates an account unless the name is taken, also by an account that is being deleted. If the hash is the same, it is
-- a repetition of this command and succeeds. If an earlier account of this name was deleted, the data that its last
-- session left behind is removed. If the earlier account was lost, its data is kept, because the same user comes back.
-- KEYS: user, following, addresses. ARGV: hash, role, created. Returns the publishers that the earlier account
-- followed, or nothing: taken.
local taken = redis.call('HMGET', KEYS[1], 'hash', 'created')
if taken[1] or taken[2] then return taken[1] == ARGV[1] and {} end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'role', ARGV[2], 'created', ARGV[3])
redis.call('HDEL', KEYS[1], 'kicks')
if redis.call('HDEL', KEYS[1], 'deleted') == 0 then return {} end
local followed = redis.call('SMEMBERS', KEYS[2])
redis.call('DEL', KEYS[2], KEYS[3])
return followed
