-- Notes that the account of a name that took a use is made: the name takes none again.
-- KEYS: invitation. ARGV: name. Returns 1, or 0: the invitation was revoked meanwhile.
if redis.call('HEXISTS', KEYS[1], 'user ' .. ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'user ' .. ARGV[1], 'made')
return 1
