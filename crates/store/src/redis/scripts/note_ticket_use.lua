-- Replaces a ticket with the same one after a use, unless it changed meanwhile.
-- KEYS: tickets. ARGV: id, ticket as it was found, ticket as it is now. Returns 1, or 0: it was revoked.
local now = redis.call('HGET', KEYS[1], ARGV[1])
if not now then return 0 end
if now == ARGV[2] then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
