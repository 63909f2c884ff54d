-- Carries out what was judged by the rights of a room, if these are still the same: rights, entry, message, seat and text
-- in one step.
-- KEYS: log, meta, memberships, members, amended, others. ARGV: as for an append, up to the text; then the actor, number of
-- the rights that were judged by, rights from now on ('' if they are the same), 1 if nothing is set in them or 0, user who is
-- removed or '', number of the message whose text is removed (0: none), how many fields of the memberships are set, those
-- fields and their values, and the fields that are deleted.
-- Returns the number of the entry (0: none), or -1: a later session acts, -2: the rights have changed, -3: no such message.
-- The last act of each user is known, since a user waits for its answer before the next.
local last = 'act ' .. ARGV[9]
local meta = redis.call('HMGET', KEYS[2], 'rights_seq', last, 'top')
local by = ARGV[5] .. ' ' .. ARGV[6]
local done, id = string.match(meta[2] or '', '^(%S+ %S+) (%d+)$')
if done == by then return tonumber(id) end
if (meta[1] or '0') ~= ARGV[10] then return -2 end
local seat = redis.call('HGET', KEYS[3], ARGV[9])
if seat and tonumber(string.match(seat, '^%d+')) > tonumber(ARGV[5]) then return -1 end
local of, kept = tonumber(ARGV[14]), tonumber(ARGV[1])
local time, author, text
if of > 0 then
  time, author, text = find_entry(KEYS[1], KEYS[5], of, tonumber(meta[3] or '0'), kept)
  if not time or not has_text(text) then return -3 end
end
if ARGV[11] ~= '' then
  redis.call('HSET', KEYS[2], 'rights', ARGV[11])
  if ARGV[12] == '1' then redis.call('HSET', KEYS[2], 'bare', '1') else redis.call('HDEL', KEYS[2], 'bare') end
end
local number = 0
if ARGV[8] ~= '' then
  number = append(ARGV[5], ARGV[6], ARGV[7], ARGV[8])
  -- What a program says counts as a message.
  if string.sub(ARGV[8], 1, 5) ~= '\1bot ' then note_other(KEYS[6], number, number, kept) end
end
redis.call('HSET', KEYS[2], 'rights_seq', string.format('%.0f', tonumber(ARGV[10]) + 1),
  last, by .. ' ' .. string.format('%.0f', number))
redis.call('PERSIST', KEYS[2])
if of > 0 then
  amend(KEYS[1], KEYS[5], of, time, author, '\1gone', number, kept)
  empty_edit(KEYS[1], KEYS[5], of, text, number, kept)
end
local sets = tonumber(ARGV[15])
for at = 16, 15 + 2 * sets, 2 do redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1]) end
for at = 16 + 2 * sets, #ARGV do redis.call('HDEL', KEYS[3], ARGV[at]) end
if ARGV[13] ~= '' then
  local removed = redis.call('HGET', KEYS[3], ARGV[13])
  if removed then
    redis.call('HDEL', KEYS[3], ARGV[13])
    redis.call('HSET', KEYS[3], ARGV[13] .. '/', string.match(removed, '^%d+ %d+'))
    redis.call('SREM', KEYS[4], ARGV[13])
    local clock = redis.call('TIME')
    local last = tonumber(redis.call('HGET', KEYS[2], 'version') or '0')
    local version = string.format('%.0f', math.max(last + 1, tonumber(clock[1]) * 1000000 + tonumber(clock[2])))
    redis.call('HSET', KEYS[2], 'version', version)
    redis.call('SPUBLISH', KEYS[1], '- ' .. ARGV[13] .. ' ' .. redis.call('SCARD', KEYS[4]) .. ' ' .. version)
  end
end
return number
