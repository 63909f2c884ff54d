-- Takes a session of a dead server out of a room, and tells everybody. One that entered again after it was looked at
-- stays: its server lives, under another id. A late enter need not be feared: none is valid for longer than the
-- server's lease.
-- KEYS: members, seats, meta, log. ARGV: user, generation, seq noted when it was looked at.
-- Answers members (-1: nothing changed) and number of the change.
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat then return {-1, '0'} end
local generation, entered = string.match(seat, '^(%d+) (%d+)')
if generation ~= ARGV[2] or tonumber(entered) > tonumber(ARGV[3]) then return {-1, '0'} end
return remove_member()
