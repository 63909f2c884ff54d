-- How many entries of a log after a number, up to another one, are no messages.
-- KEYS: others. ARGV: the two numbers.
local function count(number)
  local entry = redis.call('ZRANGE', KEYS[1], number, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  return entry and tonumber(string.match(entry, ' (%d+)$')) or 0
end
return count(ARGV[2]) - count(ARGV[1])
