-- Revokes one ticket, or all of a user.
-- KEYS: user, tickets. ARGV: id, or '' for all; generation of the session that revokes them, or ''.
-- Returns the ids of those that were revoked, and 1 if a session was fenced off.
local ids, fenced = revoke(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
return {ids, fenced}
