-- Shared by all appends. ARGV begins with kept, epoch if there is none, epoch and number known, author.
-- Searches for a repeated append, from the newest entry on.
local function seen(generation, seq)
  local mark, to = generation .. ' ' .. seq, '+'
  for _ = 1, 20 do
    local entries = redis.call('XREVRANGE', KEYS[1], to, '-', 'COUNT', 500)
    if #entries == 0 then return -2 end
    for _, entry in ipairs(entries) do
      if entry[2][2] == ARGV[4] and entry[2][8] == mark then
        -- This writes the value again, so that WAIT on this connection also covers the earlier append.
        redis.call('HSET', KEYS[2], 'top', redis.call('HGET', KEYS[2], 'top'))
        return tonumber(string.match(entry[1], '^%d+'))
      end
    end
    to = '(' .. entries[#entries][1]
  end
  return -2
end

-- Appends an entry, and returns its number. `to` is the recipient in an inbox, which is trimmed elsewhere.
local function append(generation, seq, time, text, to)
  local head = redis.call('HMGET', KEYS[2], 'top', 'epoch')
  local top, epoch = tonumber(head[1] or '0'), head[2]
  if not epoch then
    epoch = ARGV[2]
    redis.call('HSET', KEYS[2], 'epoch', epoch)
  end
  local known_epoch, known = string.match(ARGV[3], '^(%x+) (%d+)$')
  -- A failover may have lost entries that were already delivered. Their numbers are not used again.
  if known_epoch == epoch and tonumber(known) > top then top = tonumber(known) end
  local id = string.format('%.0f', top + 1)
  redis.call('PERSIST', KEYS[2])
  redis.call('HSET', KEYS[2], 'top', id)
  local by = generation .. ' ' .. seq
  if to then
    redis.call('XADD', KEYS[1], id .. '-0', 'from', ARGV[4], 'time', time, 'text', text, 'by', by, 'to', to)
    redis.call('SPUBLISH', KEYS[1],
      'd ' .. epoch .. ' ' .. id .. ' ' .. time .. ' ' .. ARGV[4] .. ' ' .. to .. ' ' .. text)
  else
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], id .. '-0',
      'from', ARGV[4], 'time', time, 'text', text, 'by', by)
    redis.call('SPUBLISH', KEYS[1], 'e ' .. epoch .. ' ' .. id .. ' ' .. time .. ' ' .. ARGV[4] .. ' ' .. text)
  end
  return tonumber(id)
end
