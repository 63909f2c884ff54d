-- Gives a message in a room another text: entry, message of the log and the text of the message in one step.
-- KEYS: log, meta, memberships, amended, others; with a key also the numbers and the times of the author's keys. ARGV as
-- for an append with a key; then number of the message, milliseconds for which it can be edited, its text.
-- Returns as an append to a room; besides a list of four: -7: no such message, -8: of another author, -9: too late.
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
local is_known = tonumber(seq) >= tonumber(ARGV[6]) or (KEYS[6] and redis.call('HEXISTS', KEYS[6], ARGV[9]) == 1)
if is_known then
  local id, known = append_once(tonumber(seq), KEYS[6], KEYS[7])
  if known then return {id} end
  return id
end
local refused = mode and silenced(KEYS[3], ARGV[4], mode, role)
if refused then return refused end
local top, kept, of = tonumber(redis.call('HGET', KEYS[2], 'top') or '0'), tonumber(ARGV[1]), tonumber(ARGV[13])
local time, author, text = find_entry(KEYS[1], KEYS[4], of, top, kept)
if not time or (string.sub(text, 1, 1) == '\1' and string.sub(text, 1, 9) ~= '\1amended ') then return {-7, 0, 0, 0} end
if author ~= ARGV[4] then return {-8, 0, 0, 0} end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local window = tonumber(ARGV[14])
if window == 0 or tonumber(time) + window < now then return {-9, window, 0, 0} end
local id = append_once(tonumber(seq), KEYS[6], KEYS[7])
if id <= 0 then return id end
amend(KEYS[1], KEYS[4], of, time, author,
  '\1amended ' .. string.format('%.0f', now) .. ' ' .. string.format('%.0f', id) .. ' ' .. ARGV[15], id, kept)
empty_edit(KEYS[1], KEYS[4], of, text, id, kept)
note_other(KEYS[5], id, id, kept)
redis.call('HSET', KEYS[3], ARGV[4], generation .. ' ' .. entered .. ' ' .. ARGV[6] .. ' ' .. server .. role)
return id
