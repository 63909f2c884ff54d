-- Notes that everything moves elsewhere, renews that note, or makes it final, unless it is the note of another migration.
-- KEYS: moved. ARGV: mark of the migration, where to, milliseconds until the note is forgotten (0: never, since everything has
-- moved), 1 to begin or 0 to go on.
-- Returns 1, or 0: the note is another's, or it was forgotten meanwhile.
local by = redis.call('HGET', KEYS[1], 'by')
if by and by ~= ARGV[1] then return 0 end
if not by and ARGV[4] == '0' then return 0 end
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'to', ARGV[2])
if ARGV[3] == '0' then
  redis.call('HSET', KEYS[1], 'done', '1')
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
