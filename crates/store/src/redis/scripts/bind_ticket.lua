-- Notes by which ticket a session began, so that its revocation fences the session off. An earlier session notes nothing.
-- KEYS: user, tickets. ARGV: id, generation. Returns 1, or 0: the ticket was revoked.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'generation') == ARGV[2] then
  redis.call('HSET', KEYS[1], 'bound', ARGV[1] .. ' ' .. ARGV[2])
end
return 1
