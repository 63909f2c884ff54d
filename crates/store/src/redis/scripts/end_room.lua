-- Ends a room in which nobody is, if its rights are still the same: log and rights are gone. A later room of this name has a
-- log of another epoch, so no number is used again. Who was removed stays noted for an hour, or as long as a later room of
-- this name, since a server may not have heard of it.
-- KEYS: log, meta, memberships, members, amended, others, outhooks. ARGV: number of the rights.
-- Returns the number of the newest change of its members, or false: somebody is inside, or the rights have changed.
if redis.call('SCARD', KEYS[4]) > 0 or (redis.call('HGET', KEYS[2], 'rights_seq') or '0') ~= ARGV[1] then return false end
local version = redis.call('HGET', KEYS[2], 'version') or '0'
redis.call('DEL', KEYS[1], KEYS[5], KEYS[6], KEYS[7])
redis.call('HDEL', KEYS[2], 'top', 'epoch', 'rights', 'rights_seq', 'bare', 'act')
redis.call('PEXPIRE', KEYS[2], 3600000)
local fields, removed = redis.call('HGETALL', KEYS[3]), 0
for at = 1, #fields, 2 do
  if string.find(fields[at], '/$') then
    removed = removed + 1
  else
    redis.call('HDEL', KEYS[3], fields[at])
  end
end
if removed > 0 then
  redis.call('HSET', KEYS[3], '!', '-')
  redis.call('PEXPIRE', KEYS[3], 3600000)
end
return version
