-- Takes a session out of a room, and tells everybody.
-- KEYS: members, seats, meta, log. ARGV: user, generation, seq.
-- Of this generation, unless it entered again after that seq. Answers members (-1: nothing changed) and
-- number of the change.
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat then return {-1, '0'} end
local generation, entered = string.match(seat, '^(%d+) (%d+)')
if generation ~= ARGV[2] or tonumber(entered) > tonumber(ARGV[3]) then return {-1, '0'} end
return remove_member()
