-- The sessions of a user on a server: generation and rooms of each.
-- KEYS: session, ending. ARGV: server.
local found = {}
local session = redis.call('HMGET', KEYS[1], 'server', 'generation', 'rooms')
if session[1] == ARGV[1] then
  table.insert(found, session[2])
  table.insert(found, session[3])
end
local ending = redis.call('HGETALL', KEYS[2])
for i = 1, #ending, 2 do
  local server, rooms = string.match(ending[i + 1], '^(%S+) %S+(.*)$')
  if server == ARGV[1] then
    table.insert(found, ending[i])
    table.insert(found, rooms)
  end
end
return found
