-- Takes the turn to post for an outgoing hook, or renews it, if there is something to post and no other server has it.
-- KEYS: meta, outhooks, turn. ARGV: server, id of the hook, number after which a new hook begins, milliseconds of the turn.
-- Returns the number up to which everything is posted, or -1: there is nothing to post, -2: another server has the turn.
local top = tonumber(redis.call('HGET', KEYS[1], 'top') or '0')
local noted = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or ARGV[3])
local posted = math.min(noted, top)
-- A failover may have lost entries that were posted. Their numbers are given out again, so the position must not wait for them.
if posted < noted then redis.call('HSET', KEYS[2], ARGV[2], string.format('%.0f', posted)) end
if posted == top then return -1 end
local holder = redis.call('HGET', KEYS[3], 'server')
if holder and holder ~= ARGV[1] then return -2 end
redis.call('HSET', KEYS[3], 'server', ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('HSETNX', KEYS[2], ARGV[2], string.format('%.0f', posted))
return posted
