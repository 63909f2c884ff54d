-- Shared by enters and leaves: numbers a change of members and publishes it. The numbers follow the clock, so they grow
-- even if the store was lost in between. KEYS begin with members, memberships, meta, log; ARGV begins with the user.
local function publish_membership(sign)
  local time = redis.call('TIME')
  local last = tonumber(redis.call('HGET', KEYS[3], 'version') or '0')
  local version = string.format('%.0f', math.max(last + 1, tonumber(time[1]) * 1000000 + tonumber(time[2])))
  redis.call('HSET', KEYS[3], 'version', version)
  touch_ttl(KEYS[3], redis.call('HEXISTS', KEYS[3], 'top') == 1)
  local count = redis.call('SCARD', KEYS[1])
  redis.call('SPUBLISH', KEYS[4], sign .. ' ' .. ARGV[1] .. ' ' .. count .. ' ' .. version)
  return {count, version}
end

