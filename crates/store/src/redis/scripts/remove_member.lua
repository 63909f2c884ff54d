-- Shared by all scripts that remove a member.
local function remove_member()
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('SREM', KEYS[1], ARGV[1])
  if redis.call('SCARD', KEYS[1]) == 0 then
    -- A room without a log and without a setting ends with its last member, and with it its owner's rights.
    local kept = redis.call('HMGET', KEYS[3], 'top', 'bare')
    if kept[2] and not kept[1] then
      redis.call('HDEL', KEYS[3], 'rights', 'rights_seq', 'bare')
      redis.call('DEL', KEYS[2])
    end
  end
  return publish_membership('-')
end

