-- Changes the password of an account, if it exists and, if an old hash is given, has this one, and revokes its tickets. A
-- repetition succeeds.
-- KEYS: user, tickets. ARGV: hash, old hash or ''. Returns the ids of the revoked tickets, or nothing: not changed.
local now = redis.call('HGET', KEYS[1], 'hash')
if not now or (ARGV[2] ~= '' and now ~= ARGV[2] and now ~= ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'hash', ARGV[1])
local tickets, ids = redis.call('HGETALL', KEYS[2]), {}
for i = 1, #tickets, 2 do table.insert(ids, tickets[i]) end
redis.call('DEL', KEYS[2])
return ids
