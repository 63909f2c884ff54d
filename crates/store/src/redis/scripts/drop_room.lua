-- Notes that a room is empty, unless its members changed since. A room with a log stays in the index and counts. Its
-- score is the number of that change, negated.
-- KEYS: rooms. ARGV: room, number of the change after which it was empty, 1 if it has a log or 0.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and math.abs(tonumber(score)) > tonumber(ARGV[2]) then return 1 end
if ARGV[3] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  -- A room that was admitted and never entered has change 0. This uses 1, because 0 negated is still 0.
  redis.call('ZADD', KEYS[1], '-' .. (ARGV[2] == '0' and '1' or ARGV[2]), ARGV[1])
end
return 1
