-- Changes the password of an account, if it exists and, if an old hash is given, has this one, and revokes its tickets. A
-- repetition succeeds.
-- KEYS: user, tickets. ARGV: hash; old hash or ''; generation of the session that changes it, or ''.
-- Returns the ids of the revoked tickets, and 1 if a session was fenced off; or nothing: not changed.
local now = redis.call('HGET', KEYS[1], 'hash')
if not now or (ARGV[2] ~= '' and now ~= ARGV[2] and now ~= ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'hash', ARGV[1])
local ids, fenced = revoke(KEYS[1], KEYS[2], '', ARGV[3])
return {ids, fenced}
