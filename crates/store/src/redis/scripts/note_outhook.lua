-- Notes up to where an outgoing hook has posted, if the server still has the turn and the hook was not ended.
-- KEYS: outhooks, turn. ARGV: server, id of the hook, number.
-- Returns 1, or 0 if nothing was noted.
if redis.call('HGET', KEYS[2], 'server') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
