-- Shared by all scripts that remove a member.
local function remove_member()
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('SREM', KEYS[1], ARGV[1])
  return publish_membership('-')
end

