-- Some consecutive messages of one conversation in an inbox, and one more than asked for if there are more.
-- KEYS: log, meta, index. ARGV: 'after', 'before' or 'newest', number, how many, how many are retained, the other user.
local top = tonumber(redis.call('HGET', KEYS[2], 'top') or '0')
local from, count = math.max(top - tonumber(ARGV[4]), 0), tonumber(ARGV[3]) + 1
local function bound(id) return ARGV[5] .. ':' .. string.format('%016.0f', id) end
local members
if ARGV[1] == 'after' then
  from = math.max(from, tonumber(ARGV[2]))
  members = redis.call('ZRANGE', KEYS[3], '[' .. bound(from + 1), '(' .. ARGV[5] .. ';', 'BYLEX', 'LIMIT', 0, count)
else
  local to = ARGV[1] == 'before' and '(' .. bound(tonumber(ARGV[2])) or '(' .. ARGV[5] .. ';'
  members = redis.call('ZRANGE', KEYS[3], to, '[' .. bound(from + 1), 'BYLEX', 'REV', 'LIMIT', 0, count)
end
local entries = {}
for _, found in ipairs(members) do
  local id = string.format('%.0f-0', tonumber(string.match(found, ':(%d+)')))
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then table.insert(entries, entry) end
end
return entries
