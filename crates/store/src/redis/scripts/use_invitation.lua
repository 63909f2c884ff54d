-- Takes a use of an invitation for a name. The account is made afterwards, in another slot: until then the name waits, and a
-- repetition with this name takes no other use.
-- KEYS: invitation. ARGV: hash of the code, name. Returns 1; or 0: it is unknown, over or used up, or this name used it.
local known = redis.call('HMGET', KEYS[1], 'hash', 'expires', 'uses', 'user ' .. ARGV[2])
if known[1] ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
if tonumber(known[2]) <= tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) then return 0 end
if known[4] then return known[4] == 'waits' and 1 or 0 end
-- All fields but seven are names.
if redis.call('HLEN', KEYS[1]) - 7 >= tonumber(known[3]) then return 0 end
redis.call('HSET', KEYS[1], 'user ' .. ARGV[2], 'waits')
return 1
