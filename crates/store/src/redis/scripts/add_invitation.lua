-- Keeps an invitation, whose end is counted from now. A repetition finds it kept.
-- KEYS: invitation. ARGV: hash of the code, who made it, role, rooms, number of uses, milliseconds until its end, milliseconds
-- for which it is kept after that.
-- Returns when it was made and when it ends, in milliseconds; or nothing: the id is taken.
local known = redis.call('HMGET', KEYS[1], 'hash', 'made', 'expires')
if known[1] then return known[1] == ARGV[1] and {known[2], known[3]} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local made, expires = string.format('%.0f', now), string.format('%.0f', now + tonumber(ARGV[6]))
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'by', ARGV[2], 'role', ARGV[3], 'rooms', ARGV[4], 'uses', ARGV[5],
  'made', made, 'expires', expires)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(ARGV[6]) + tonumber(ARGV[7])))
return {made, expires}
