-- Gives the turn to post for an outgoing hook back, if the server has it.
-- KEYS: turn. ARGV: server.
-- Returns 1, or 0 if another server has the turn, or none.
if redis.call('HGET', KEYS[1], 'server') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
