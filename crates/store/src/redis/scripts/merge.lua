-- Shared by all reads of a log: puts entries that read differently by now (see amended.lua) in their places among those of
-- the stream. `from` is the number before the first, `to` the last bound or nothing; newest first if `is_reverse`.
local function merge(amended, entries, from, to, count, is_reverse)
  local low, high = string.format('(%.0f', from), to or '+inf'
  local changed
  if is_reverse then
    changed = redis.call('ZRANGE', amended, high, low, 'BYSCORE', 'REV', 'LIMIT', 0, count)
  else
    changed = redis.call('ZRANGE', amended, low, high, 'BYSCORE', 'LIMIT', 0, count)
  end
  if #changed == 0 then return entries end
  local number = function(entry) return tonumber(string.match(entry[1], '^%d+')) end
  for _, entry in ipairs(changed) do
    local id, time, author, text = string.match(entry, '^(%d+) (%S+) (%S+) (.*)$')
    table.insert(entries, {id .. '-0', {'from', author, 'time', time, 'text', text}})
  end
  table.sort(entries, function(a, b)
    if is_reverse then return number(a) > number(b) end
    return number(a) < number(b)
  end)
  for at = #entries, count + 1, -1 do table.remove(entries, at) end
  return entries
end
