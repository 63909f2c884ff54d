-- Suspends an account and marks its tickets as revoked, or ends the suspension. The tickets are kept to tell who shows one
-- of the suspension.
-- KEYS: user, tickets. ARGV: until when in milliseconds (0: for ever, '': ends a suspension), reason. Returns 1, or 0: no
-- account.
if redis.call('HEXISTS', KEYS[1], 'hash') == 0 then return 0 end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'suspended', 'suspended_for')
  return 1
end
redis.call('HSET', KEYS[1], 'suspended', ARGV[1], 'suspended_for', ARGV[2])
local tickets = redis.call('HGETALL', KEYS[2])
for i = 1, #tickets, 2 do
  if string.sub(tickets[i + 1], 1, 2) ~= 'x ' then
    redis.call('HSET', KEYS[2], tickets[i], 'x ' .. tickets[i + 1])
  end
end
return 1
