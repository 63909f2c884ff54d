-- Adds a ticket of an account that is still the same, in the place of others. A repetition succeeds.
-- KEYS: user, tickets. ARGV: hash of the password, when the account was created, number of kicks, id, ticket, maximum
-- number of tickets, number of void ones, their ids, ids of the valid ones in the order in which they make room.
-- Returns 1; or 0: the account is another one, or the id is taken; or -1: all that the caller knew went, and others came.
local account = redis.call('HMGET', KEYS[1], 'hash', 'created', 'kicks')
if account[1] ~= ARGV[1] or account[2] ~= ARGV[2] or (account[3] or '0') ~= ARGV[3] then return 0 end
local known = redis.call('HGET', KEYS[2], ARGV[4])
if known then return known == ARGV[5] and 1 or 0 end
local left, void = redis.call('HLEN', KEYS[2]), tonumber(ARGV[7])
for i = 8, #ARGV do
  if i < 8 + void or left >= tonumber(ARGV[6]) then left = left - redis.call('HDEL', KEYS[2], ARGV[i]) end
end
if left >= tonumber(ARGV[6]) then return -1 end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
return 1
