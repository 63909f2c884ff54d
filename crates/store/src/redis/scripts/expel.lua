-- Removes a session of a dead server from a room, and publishes the change. If the session entered again after the
-- check, it stays: its server lives, under another id. A late enter is impossible: no enter is valid for longer than
-- the server's lease.
-- KEYS: members, memberships, meta, log. ARGV: user, generation, seq noted at the time of the check.
-- Returns members (-1: nothing changed) and number of the change.
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat then return {-1, '0'} end
local generation, entered = string.match(seat, '^(%d+) (%d+)')
if generation ~= ARGV[2] or tonumber(entered) > tonumber(ARGV[3]) then return {-1, '0'} end
return remove_member()
