-- Forgets where the log of a room stands that has no members and no entries. Answers 1 if it has entries, else 0.
-- KEYS: members, meta.
if redis.call('HEXISTS', KEYS[2], 'top') == 1 then return 1 end
if redis.call('SCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
return 0
