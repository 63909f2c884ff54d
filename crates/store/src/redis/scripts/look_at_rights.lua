-- What an act in a room is judged by.
-- KEYS: log, meta, members, amended. ARGV: number of a message or 0, how many entries are retained.
-- Returns milliseconds of the clock, number of the rights, rights, 1 if the room exists or 0, its members, author of the
-- message ('' if there is none that has a text).
local clock = redis.call('TIME')
local meta = redis.call('HMGET', KEYS[2], 'rights_seq', 'rights', 'top')
local members = redis.call('SMEMBERS', KEYS[3])
local exists = (#members > 0 or meta[2] or meta[3]) and 1 or 0
local writer, of = '', tonumber(ARGV[1])
if of > 0 then
  local time, author, text = find_entry(KEYS[1], KEYS[4], of, tonumber(meta[3] or '0'), tonumber(ARGV[2]))
  if time and has_text(text) then writer = author end
end
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
return {string.format('%.0f', now), meta[1] or '0', meta[2] or '', exists, members, writer}
