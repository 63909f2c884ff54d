-- Puts a session back that lives on its server but is gone here, unless there was a later one.
-- KEYS: session, ending, user. ARGV: server, connection, generation, rooms, seq, time.
-- Answers 1: it is here, 2: it is here again, 0: it was displaced.
local there = redis.call('HGET', KEYS[1], 'generation')
if there then return there == ARGV[3] and 1 or 0 end
local last = redis.call('HGET', KEYS[3], 'generation')
if last and tonumber(last) > tonumber(ARGV[3]) then return 0 end
redis.call('HDEL', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[3], 'generation', ARGV[3])
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'connection', ARGV[2], 'generation', ARGV[3],
  'rooms', ARGV[4], 'seq', ARGV[5], 'since', ARGV[6])
return 2
