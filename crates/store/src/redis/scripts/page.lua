-- Some consecutive entries of a log, and one more than asked for if there are more.
-- KEYS: log, meta, amended. ARGV: 'after', 'before' or 'newest', number, how many, how many are retained.
local top = tonumber(redis.call('HGET', KEYS[2], 'top') or '0')
local from, count = math.max(top - tonumber(ARGV[4]), 0), tonumber(ARGV[3]) + 1
if ARGV[1] == 'after' then
  from = math.max(from, tonumber(ARGV[2]))
  local entries = redis.call('XRANGE', KEYS[1], string.format('(%.0f-0', from), '+', 'COUNT', count)
  return merge(KEYS[3], entries, from, nil, count)
end
-- Redis takes no bound below the first number.
if ARGV[1] == 'before' and tonumber(ARGV[2]) == 0 then return {} end
local to = ARGV[1] == 'before' and string.format('(%.0f-0', tonumber(ARGV[2])) or '+'
local entries = redis.call('XREVRANGE', KEYS[1], to, string.format('(%.0f-0', from), 'COUNT', count)
local before = ARGV[1] == 'before' and string.format('(%.0f', tonumber(ARGV[2])) or nil
return merge(KEYS[3], entries, from, before, count, true)
