-- Notes that nobody is in a room, unless that changed since: one with a log stays in the index and counts, under the
-- number of that change with a minus before it.
-- KEYS: rooms. ARGV: room, number of the change after which nobody was there, 1 if it has a log or 0.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and math.abs(tonumber(score)) > tonumber(ARGV[2]) then return 1 end
if ARGV[3] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  -- One that was admitted and never entered has no change: but 0 with a minus is still 0.
  redis.call('ZADD', KEYS[1], '-' .. (ARGV[2] == '0' and '1' or ARGV[2]), ARGV[1])
end
return 1
