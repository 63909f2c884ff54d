-- Appends a direct message to the inbox of its sender, who has read what came before, and notes that the recipient's copy
-- is still to be appended. This entry is the promise that the message is kept.
-- KEYS: log, meta, session, users who block the sender, messages without the recipient's copy, states of conversations,
-- index; with a key also the numbers and the times of the author's keys. ARGV as above, with or without a key; then
-- recipient, when the recipient's account was created, maximum number of messages without a copy.
-- Returns the number and how many messages are without a copy, as a list of three if the key was used before; or 0: no
-- session, -1: a later session exists, -2: a repeated append that is not found any more, -3: blocked, -4: too many
-- messages without a copy.
local session = redis.call('HMGET', KEYS[3], 'generation', 'seq')
if not session[1] then return 0 end
if session[1] ~= ARGV[5] then
  if tonumber(session[1]) > tonumber(ARGV[5]) then return -1 end
  return 0
end
local last_seq, to = tonumber(session[2]), ARGV[13]
local is_new = last_seq < tonumber(ARGV[6])
if is_new and not (KEYS[8] and redis.call('HEXISTS', KEYS[8], ARGV[9]) == 1) then
  if redis.call('SISMEMBER', KEYS[4], to) == 1 then return -3 end
  if redis.call('HLEN', KEYS[5]) >= tonumber(ARGV[15]) then return -4 end
end
local id, known = append_once(last_seq, KEYS[8], KEYS[9], to)
if id <= 0 then
  -- A repeated command that was refused has no entry.
  if redis.call('SISMEMBER', KEYS[4], to) == 1 then return -3 end
  return id
end
if is_new and not known then
  redis.call('HSET', KEYS[3], 'seq', ARGV[6])
  redis.call('ZADD', KEYS[7], 0, member(to, id, 'o'))
  set_state(KEYS[6], to, id, id, 0)
  trim(KEYS[1], KEYS[7], ARGV[4], ARGV[1])
  if to ~= ARGV[4] then
    redis.call('HSET', KEYS[5], string.format('%.0f', id),
      to .. ' ' .. ARGV[14] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6] .. ' ' .. ARGV[7] .. ' ' .. ARGV[8])
  end
end
local left = redis.call('HLEN', KEYS[5])
if known then return {id, left, 1} end
return {id, left}
