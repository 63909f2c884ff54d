-- Shared by both appends. Searches for a repeated append, from the newest entry on.
local function seen()
  local mark, to = ARGV[2] .. ' ' .. ARGV[3], '+'
  for _ = 1, 20 do
    local entries = redis.call('XREVRANGE', KEYS[1], to, '-', 'COUNT', 500)
    if #entries == 0 then return -2 end
    for _, entry in ipairs(entries) do
      if entry[2][2] == ARGV[1] and entry[2][8] == mark then
        -- This writes the value again, so that WAIT on this connection also covers the earlier append.
        redis.call('HSET', KEYS[2], 'top', redis.call('HGET', KEYS[2], 'top'))
        return tonumber(string.match(entry[1], '^%d+'))
      end
    end
    to = '(' .. entries[#entries][1]
  end
  return -2
end

local function append(last_seq)
  if last_seq >= tonumber(ARGV[3]) then return seen() end
  local head = redis.call('HMGET', KEYS[2], 'top', 'epoch')
  local top, epoch = tonumber(head[1] or '0'), head[2]
  if not epoch then
    epoch = ARGV[7]
    redis.call('HSET', KEYS[2], 'epoch', epoch)
  end
  local known_epoch, known = string.match(ARGV[8], '^(%x+) (%d+)$')
  -- A failover may have lost entries that were already delivered. Their numbers are not used again.
  if known_epoch == epoch and tonumber(known) > top then top = tonumber(known) end
  local id = string.format('%.0f', top + 1)
  redis.call('PERSIST', KEYS[2])
  redis.call('HSET', KEYS[2], 'top', id)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], id .. '-0',
    'from', ARGV[1], 'time', ARGV[4], 'text', ARGV[5], 'by', ARGV[2] .. ' ' .. ARGV[3])
  redis.call('SPUBLISH', KEYS[1], 'e ' .. epoch .. ' ' .. id .. ' ' .. ARGV[4] .. ' ' .. ARGV[1] .. ' ' .. ARGV[5])
  return tonumber(id)
end
