-- Removes all sessions before a generation from a room permanently, and publishes the change. The fence rejects their
-- enters that may still be in flight.
-- KEYS: members, memberships, meta, log, fence. ARGV: user, generation, seconds of the fence.
-- Returns members (-1: nothing changed) and number of the change.
local fence = redis.call('GET', KEYS[5])
if not fence or tonumber(fence) < tonumber(ARGV[2]) then redis.call('SET', KEYS[5], ARGV[2], 'EX', ARGV[3]) end
local seat = redis.call('HGET', KEYS[2], ARGV[1])
if not seat or tonumber(string.match(seat, '^%d+')) >= tonumber(ARGV[2]) then return {-1, '0'} end
return remove_member()
