-- Shared by the scripts of direct messages. A member of the index is the other user, the number in 16 digits, and
-- whether the message was sent ('o') or received ('i'). The state of a conversation is its newest number, the number up
-- to which it is read, and how many received messages are unread.
local function member(peer, id, direction)
  return peer .. ':' .. string.format('%016.0f', id) .. direction
end

local function state_of(states, peer)
  local last, read, unread = string.match(redis.call('HGET', states, peer) or '0 0 0', '^(%d+) (%d+) (%d+)$')
  return tonumber(last), tonumber(read), tonumber(unread)
end

local function set_state(states, peer, last, read, unread)
  redis.call('HSET', states, peer, string.format('%.0f %.0f %.0f', last, read, unread))
end

-- Removes the oldest messages of an inbox, also from the index, many at a time, but never so many that others wait.
local function trim(log, index, owner, kept)
  local excess = math.min(redis.call('XLEN', log) - tonumber(kept), 1000)
  if excess < 100 then return end
  local id
  for _, entry in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', excess)) do
    id = tonumber(string.match(entry[1], '^%d+'))
    local from, to = entry[2][2], entry[2][10]
    redis.call('ZREM', index, from == owner and member(to, id, 'o') or member(from, id, 'i'))
  end
  redis.call('XTRIM', log, 'MINID', string.format('%.0f-0', id + 1))
end
