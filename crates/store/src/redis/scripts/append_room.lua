-- Appends to the log of a room: number, entry and message in one step.
-- KEYS: log, meta, memberships; with a key also the numbers and the times of the author's keys. ARGV as above.
-- Returns the number, as a list if the key was used before; or 0: no member, -1: a later session is member, -2: a
-- repeated append that is not found any more; or a list of four: -6 and milliseconds (0: none): muted, -10: removed.
local found = redis.call('HMGET', KEYS[3], ARGV[4], '!')
local seat, mode = found[1], found[2]
if not seat then
  if mode and is_removed(KEYS[3], ARGV[4], ARGV[5]) then return {-10, 0, 0, 0} end
  return 0
end
local generation, entered, seq, server, role = string.match(seat, '^(%d+) (%d+) (%d+) (%S+)(.*)$')
if generation ~= ARGV[5] then
  if tonumber(generation) > tonumber(ARGV[5]) then return -1 end
  return 0
end
if mode and tonumber(seq) < tonumber(ARGV[6]) and not (KEYS[4] and redis.call('HEXISTS', KEYS[4], ARGV[9]) == 1) then
  local refused = silenced(KEYS[3], ARGV[4], mode, role)
  if refused then return refused end
end
local id, known = append_once(tonumber(seq), KEYS[4], KEYS[5])
if known then return {id} end
-- A repeated append is older than the newest.
if id > 0 and tonumber(seq) < tonumber(ARGV[6]) then
  redis.call('HSET', KEYS[3], ARGV[4], generation .. ' ' .. entered .. ' ' .. ARGV[6] .. ' ' .. server .. role)
end
return id
