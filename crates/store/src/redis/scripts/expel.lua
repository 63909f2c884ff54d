-- Takes a session of a dead server out of a room, and tells everybody. One that entered again through another run of
-- its server stays. A late enter need not be feared: none is valid for longer than its server's lease.
-- KEYS: members, seats, meta, log. ARGV: user, generation, server.
-- Answers members (-1: nothing changed) and number of the change.
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat then return {-1, '0'} end
local generation, server = string.match(seat, '^(%d+) %d+ %d+ (%S+)$')
if generation ~= ARGV[2] or server ~= ARGV[3] then return {-1, '0'} end
return part()
