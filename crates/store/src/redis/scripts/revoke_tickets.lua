-- Revokes one ticket, or all of a user.
-- KEYS: tickets. ARGV: id, or '' for all. Returns the ids of those that were revoked.
if ARGV[1] ~= '' then return redis.call('HDEL', KEYS[1], ARGV[1]) > 0 and {ARGV[1]} or {} end
local tickets, ids = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #tickets, 2 do table.insert(ids, tickets[i]) end
redis.call('DEL', KEYS[1])
return ids
