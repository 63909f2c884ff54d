-- Some consecutive entries of a log, and one more than asked for if there are more.
-- KEYS: log, meta. ARGV: 'after', 'before' or 'newest', number, how many, how many are retained.
local top = tonumber(redis.call('HGET', KEYS[2], 'top') or '0')
local from, count = math.max(top - tonumber(ARGV[4]), 0), tonumber(ARGV[3]) + 1
if ARGV[1] == 'after' then
  from = math.max(from, tonumber(ARGV[2]))
  return redis.call('XRANGE', KEYS[1], string.format('(%.0f-0', from), '+', 'COUNT', count)
end
-- Redis takes no bound below the first number.
if ARGV[1] == 'before' and tonumber(ARGV[2]) == 0 then return {} end
local to = ARGV[1] == 'before' and string.format('(%.0f-0', tonumber(ARGV[2])) or '+'
return redis.call('XREVRANGE', KEYS[1], to, string.format('(%.0f-0', from), 'COUNT', count)
