-- What leaving and evicting share.
local function part()
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('SREM', KEYS[1], ARGV[1])
  local count, version = redis.call('SCARD', KEYS[1]), redis.call('HINCRBY', KEYS[3], 'version', 1)
  redis.call('SPUBLISH', KEYS[4], '- ' .. ARGV[1] .. ' ' .. count .. ' ' .. version)
  return {count, tostring(version)}
end
