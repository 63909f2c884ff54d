-- Reserves the right to try a password: a place among the attempts whose result is not known yet.
-- KEYS: attempts at an account, those from this address, the usual addresses of its user; or attempts from an address.
-- ARGV: address, milliseconds for which it is usual, number of free failures, first delay, longest delay, time after
-- which all is forgotten, time after which a place is free again (in milliseconds).
-- Returns whether the address is usual, and 0: allowed, -1: wait for the result of other attempts, or the milliseconds
-- to wait.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local seen = #KEYS > 1 and redis.call('ZSCORE', KEYS[3], ARGV[1])
local usual = seen and now - tonumber(seen) <= tonumber(ARGV[2])
local key = usual and KEYS[2] or KEYS[1]
local free, first, longest = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', key, 'count', 'last', 'open', 'began')
-- If the clock was set back, no user waits longer: from now on, a time in the future counts as now.
local function passed(field, value)
  local at = tonumber(value or '0')
  if at <= now then return at end
  redis.call('HSET', key, field, string.format('%.0f', now))
  return now
end
local failures, last = tonumber(known[1] or '0'), passed('last', known[2])
local open, began = tonumber(known[3] or '0'), passed('began', known[4])
if now - last > tonumber(ARGV[6]) then failures = 0 end
if now - began > tonumber(ARGV[7]) then open = 0 end
if failures > free then
  local delay = math.min(first * 2 ^ math.min(failures - free - 1, 32), longest)
  if last + delay > now then return {usual and 1 or 0, last + delay - now} end
end
if open >= math.max(free + 1 - failures, 1) then return {usual and 1 or 0, -1} end
redis.call('HSET', key, 'open', open + 1, 'began', string.format('%.0f', now))
redis.call('PEXPIRE', key, ARGV[6])
return {usual and 1 or 0, 0}
