-- Moves marks of a user forward. A mark beyond the newest number belongs to a numbering that was lost.
-- KEYS: marks. ARGV: for each the target, the number, the newest number of the log.
for i = 1, #ARGV, 3 do
  local mark, read = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '-1'), tonumber(ARGV[i + 1])
  if mark < read or mark > tonumber(ARGV[i + 2]) then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
return 1
