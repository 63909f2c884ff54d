-- Suspends an account, or ends that.
-- KEYS: user. ARGV: until when in milliseconds (0: for ever, '': ends a suspension), reason. Returns 1, or 0: no account.
if redis.call('HEXISTS', KEYS[1], 'hash') == 0 then return 0 end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'suspended', 'suspended_for')
else
  redis.call('HSET', KEYS[1], 'suspended', ARGV[1], 'suspended_for', ARGV[2])
end
return 1
