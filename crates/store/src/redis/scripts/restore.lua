-- Restores a session that lives on its server but is missing here, or has the id of an earlier run of its server. It
-- does nothing if a later session was claimed or the account was deleted.
-- KEYS: session, ending, user. ARGV: server, ticket, generation, seq, deadline in microseconds, channel of a server
-- without its id.
-- Returns 1: it is here, 0: it was displaced, -1: too late.
local time = redis.call('TIME')
if tonumber(time[1]) * 1000000 + tonumber(time[2]) > tonumber(ARGV[5]) then return -1 end
local old = redis.call('HMGET', KEYS[1], 'generation', 'server', 'ticket', 'rooms')
local there = old[1]
local last = redis.call('HGET', KEYS[3], 'generation')
if last and tonumber(last) > tonumber(ARGV[3]) then return 0 end
if there == ARGV[3] then
  redis.call('HSET', KEYS[1], 'server', ARGV[1])
  return 1
end
redis.call('HSET', KEYS[3], 'generation', ARGV[3])
-- An earlier session can be here only if a failover lost the claim that displaced it.
if there then
  redis.call('HSET', KEYS[2], there, old[2] .. ' ' .. old[3] .. ' ' .. old[4])
  redis.call('PUBLISH', ARGV[6] .. '{' .. old[2] .. '}', 'displaced ' .. old[3])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'ticket', ARGV[2], 'generation', ARGV[3], 'rooms', '', 'seq', ARGV[4],
  'since', time[1])
return 1
