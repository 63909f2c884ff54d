-- Registers a server, or sessions of a server, so that other servers find them.
-- KEYS: set. ARGV: members. Returns how many were added.
return redis.call('SADD', KEYS[1], unpack(ARGV))
