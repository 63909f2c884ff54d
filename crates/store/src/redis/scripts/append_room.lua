-- Appends to the log of a room: number, entry and message in one step.
-- KEYS: log, meta, memberships. ARGV: user, generation, seq, time, text, kept, epoch if there is none, epoch and number
-- known.
-- Returns the number, or 0: no member, -1: a later session is member, -2: a repeated append that is not found any more.
local seat = redis.call('HGET', KEYS[3], ARGV[1])
if not seat then return 0 end
local generation, entered, seq, server = string.match(seat, '^(%d+) (%d+) (%d+) (%S+)$')
if generation ~= ARGV[2] then
  if tonumber(generation) > tonumber(ARGV[2]) then return -1 end
  return 0
end
local id = append(tonumber(seq))
-- A repeated append is older than the newest.
if id > 0 and tonumber(seq) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[3], ARGV[1], generation .. ' ' .. entered .. ' ' .. ARGV[3] .. ' ' .. server)
end
return id
