-- Makes a session a member of a room, and publishes the change.
-- KEYS: members, memberships, meta, log, fence. ARGV: user, generation, seq, server, deadline in microseconds, rights if the
-- room is created by this ('' if it is not), 'o' for an operator or '-', 'back' if the session was in the room before or '-'.
-- Returns members and number of the change; or -1: a later session was there, -2: too late, -3: banned until the second
-- number (milliseconds, 0 for ever), -4: removed, -5: private.
local time = redis.call('TIME')
if tonumber(time[1]) * 1000000 + tonumber(time[2]) > tonumber(ARGV[5]) then return {-2, '0'} end
local mine = tonumber(ARGV[2])
local fence = redis.call('GET', KEYS[5])
if fence and tonumber(fence) > mine then return {-1, '0'} end
local found = redis.call('HMGET', KEYS[2], ARGV[1], '!')
local seat, mode = found[1], found[2]
local there, entered, last = 0, 0, ARGV[3]
if seat then
  there, entered, last = string.match(seat, '^(%d+) (%d+) (%d+)')
  there, entered = tonumber(there), tonumber(entered)
end
if there > mine then return {-1, '0'} end
if there < mine then entered, last = 0, ARGV[3] end
if mode and there ~= mine then
  local own = redis.call('HMGET', KEYS[2], ARGV[1] .. '+', ARGV[1] .. '!', ARGV[1] .. '/')
  local is_free = ARGV[7] == 'o' or (own[1] and string.find(own[1], 'w'))
  local banned = not is_free and holds(own[2], 'b')
  if banned then return {-3, string.format('%.0f', banned)} end
  if string.find(mode, 'p') and not is_free and not own[1] then return {-5, '0'} end
  local removed, last_enter = string.match(own[3] or '', '^(%d+) (%d+)')
  -- Whoever was removed comes back by entering again, not by a repetition of the enter before.
  if removed == ARGV[2] and (ARGV[8] == 'back' or tonumber(last_enter) >= tonumber(ARGV[3])) then return {-4, '0'} end
  if own[3] then redis.call('HDEL', KEYS[2], ARGV[1] .. '/') end
end
if ARGV[6] ~= '' and there ~= mine and redis.call('SCARD', KEYS[1]) == 0 then
  local known = redis.call('HMGET', KEYS[3], 'top', 'rights')
  if not known[1] and not known[2] then
    redis.call('HSET', KEYS[3], 'rights', ARGV[6], 'rights_seq', '1', 'bare', '1')
    redis.call('HSET', KEYS[2], ARGV[1] .. '+', 'w')
  end
end
-- The notes of a room that has ended may be there, and have an end.
if mode then redis.call('PERSIST', KEYS[2]) end
local role = ARGV[7] == 'o' and ' o' or ''
local seq = entered > tonumber(ARGV[3]) and string.format('%.0f', entered) or ARGV[3]
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. seq .. ' ' .. last .. ' ' .. ARGV[4] .. role)
if there == mine then
  return {redis.call('SCARD', KEYS[1]), redis.call('HGET', KEYS[3], 'version') or '0'}
end
redis.call('SADD', KEYS[1], ARGV[1])
return publish_membership('+')
