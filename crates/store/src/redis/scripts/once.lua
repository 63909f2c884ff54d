-- Shared by the appends of sessions. ARGV goes on with generation, seq, time, text; with a key also the key, milliseconds
-- for which it is kept, number of keys that are kept, seconds after which all keys expire. `ids` and `times` are the
-- numbers and times of the author's keys, by key; nothing without a key.
-- Returns the number of the entry: of this command if it is repeated, of an earlier command with the same key (then the
-- second result is true), or a new one.
local function append_once(last_seq, ids, times, to)
  local is_old = last_seq >= tonumber(ARGV[6])
  local id = ids and redis.call('HGET', ids, ARGV[9])
  if id then
    -- This writes the value again, so that WAIT on this connection also covers the earlier append.
    redis.call('HSET', ids, ARGV[9], id)
    local entry = is_old and redis.call('XRANGE', KEYS[1], id .. '-0', id .. '-0')[1]
    return tonumber(id), not entry or entry[2][8] ~= ARGV[5] .. ' ' .. ARGV[6]
  end
  if is_old then return seen(ARGV[5], ARGV[6]) end
  if not ids then return append(ARGV[5], ARGV[6], ARGV[7], ARGV[8], to) end
  id = append(ARGV[5], ARGV[6], ARGV[7], ARGV[8], to)
  redis.call('HSET', ids, ARGV[9], string.format('%.0f', id))
  redis.call('ZADD', times, ARGV[7], ARGV[9])
  local excess = redis.call('ZCARD', times) - tonumber(ARGV[11])
  if excess > 0 then
    local old = redis.call('ZRANGE', times, '-inf', tonumber(ARGV[7]) - tonumber(ARGV[10]), 'BYSCORE',
      'LIMIT', 0, math.min(excess, 100))
    if #old > 0 then
      redis.call('HDEL', ids, unpack(old))
      redis.call('ZREM', times, unpack(old))
    end
  end
  redis.call('EXPIRE', ids, ARGV[12])
  redis.call('EXPIRE', times, ARGV[12])
  return id
end
