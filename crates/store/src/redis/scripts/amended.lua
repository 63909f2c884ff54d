-- Entries of a room that read differently from what was appended. A stream cannot be changed: such an entry is deleted from
-- it and stands in a sorted set, by its number, as 'number time author text'.
-- Returns time, author and text of an entry that is retained.
local function find_entry(log, amended, id, top, kept)
  if id > top or id <= top - kept then return nil end
  local at = string.format('%.0f', id)
  local changed = redis.call('ZRANGE', amended, at, at, 'BYSCORE')[1]
  if changed then return string.match(changed, '^%d+ (%S+) (%S+) (.*)$') end
  local entry = redis.call('XRANGE', log, at .. '-0', at .. '-0')[1]
  if not entry then return nil end
  return entry[2][4], entry[2][2], entry[2][6]
end

-- Whether an entry is a message whose text can be removed.
local function has_text(text)
  return string.sub(text, 1, 1) ~= '\1' or string.sub(text, 1, 9) == '\1amended ' or string.sub(text, 1, 5) == '\1bot '
end

-- Gives an entry another text, and forgets what is not retained any more.
local function amend(log, amended, id, time, author, text, top, kept)
  local at = string.format('%.0f', id)
  redis.call('XDEL', log, at .. '-0')
  redis.call('ZREMRANGEBYSCORE', amended, at, at)
  redis.call('ZADD', amended, at, at .. ' ' .. time .. ' ' .. author .. ' ' .. text)
  redis.call('ZREMRANGEBYSCORE', amended, '-inf', string.format('%.0f', top - kept))
end

-- The edit before of a message has no text any more.
local function empty_edit(log, amended, id, text, top, kept)
  local before = tonumber(string.match(text, '^\1amended %S+ (%d+) '))
  if not before then return end
  local time, author = find_entry(log, amended, before, top, kept)
  if time then
    amend(log, amended, before, time, author, '\1edit ' .. string.format('%.0f', id) .. ' ', top, kept)
  end
end

-- Counts an entry that is no message: the sorted set has 'number count', by number. The newest before the retained ones
-- stays, since it has the count for what is older.
local function note_other(others, id, top, kept)
  local last = redis.call('ZRANGE', others, 0, 0, 'REV')[1]
  local count = last and tonumber(string.match(last, ' (%d+)$')) or 0
  local at, floor = string.format('%.0f', id), string.format('%.0f', top - kept)
  redis.call('ZADD', others, at, at .. ' ' .. string.format('%.0f', count + 1))
  local oldest = redis.call('ZRANGE', others, floor, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  if oldest then redis.call('ZREMRANGEBYSCORE', others, '-inf', '(' .. string.match(oldest, '^%d+')) end
end
