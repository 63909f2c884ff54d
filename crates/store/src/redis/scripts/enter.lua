-- Makes a session a member of a room, and publishes the change.
-- KEYS: members, memberships, meta, log, fence. ARGV: user, generation, seq, server, deadline in microseconds.
-- Returns members and number of the change; or -1: a later session was there, -2: too late.
local time = redis.call('TIME')
if tonumber(time[1]) * 1000000 + tonumber(time[2]) > tonumber(ARGV[5]) then return {-2, '0'} end
local mine = tonumber(ARGV[2])
local fence = redis.call('GET', KEYS[5])
if fence and tonumber(fence) > mine then return {-1, '0'} end
local seat = redis.call('HGET', KEYS[2], ARGV[1])
local there, entered, last = 0, 0, ARGV[3]
if seat then
  there, entered, last = string.match(seat, '^(%d+) (%d+) (%d+)')
  there, entered = tonumber(there), tonumber(entered)
end
if there > mine then return {-1, '0'} end
if there < mine then entered, last = 0, ARGV[3] end
local seq = entered > tonumber(ARGV[3]) and string.format('%.0f', entered) or ARGV[3]
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. seq .. ' ' .. last .. ' ' .. ARGV[4])
if there == mine then
  return {redis.call('SCARD', KEYS[1]), redis.call('HGET', KEYS[3], 'version') or '0'}
end
redis.call('SADD', KEYS[1], ARGV[1])
return publish_membership('+')
