-- Creates an account unless the name is taken, also by an account that is being deleted. If the hash is the same, it is
-- a repetition of this command and succeeds. If an earlier account of this name was deleted, the data that its last
-- session left behind is removed. If the earlier account was lost, its data is kept, because the same user comes back.
-- Tickets of an earlier account are removed in any case.
-- KEYS: user, following, blocks, users who block, tickets, then other keys of a user. ARGV: hash, role, created. Returns the
-- members that the earlier account left in the three sets, or nothing: taken.
local taken = redis.call('HMGET', KEYS[1], 'hash', 'created')
if taken[1] or taken[2] then return taken[1] == ARGV[1] and {} end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'role', ARGV[2], 'created', ARGV[3])
redis.call('HDEL', KEYS[1], 'kicks')
redis.call('DEL', KEYS[5])
if redis.call('HDEL', KEYS[1], 'deleted') == 0 then return {} end
local others = {}
for i = 2, 4 do table.insert(others, redis.call('SMEMBERS', KEYS[i])) end
redis.call('DEL', unpack(KEYS, 2))
return others
