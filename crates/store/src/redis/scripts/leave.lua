-- Removes a session from a room, and publishes the change. It applies only to this generation, and not if the session
-- entered again after that seq.
-- KEYS: members, memberships, meta, log. ARGV: user, generation, seq.
-- Returns members (-1: nothing changed) and number of the change.
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat then return {-1, '0'} end
local generation, entered = string.match(seat, '^(%d+) (%d+)')
if generation ~= ARGV[2] or tonumber(entered) > tonumber(ARGV[3]) then return {-1, '0'} end
return remove_member()
