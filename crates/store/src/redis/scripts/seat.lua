-- Shared by all that is judged by a seat in a room. `memberships` has, besides the seats, fields that no user's name can
-- be: '!' if something is to be judged at all (p: private, m: moderators speak); and for a user 'user+' (w: owner,
-- m: moderator, i: invited), 'user!' (b: banned, m: muted, each with milliseconds until then, 0 for ever) and 'user/'
-- (generation and number of the last enter of the session that was removed).
local function holds(bars, letter)
  local ends = bars and string.match(bars, letter .. '(%d+)')
  if not ends then return nil end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  if ends == '0' or now < tonumber(ends) then return tonumber(ends) end
  return nil
end

-- Whether the session with this generation was removed, and has not entered again.
local function is_removed(memberships, user, generation)
  local removed = redis.call('HGET', memberships, user .. '/')
  return removed and string.match(removed, '^%d+') == generation
end

-- The answer for an author who may not speak: a list of four; nothing if the author may. `role` is the end of the seat.
local function silenced(memberships, user, mode, role)
  local own = redis.call('HMGET', memberships, user .. '+', user .. '!')
  local ends = holds(own[2], 'm')
  if ends then return {-6, ends, 0, 0} end
  local may = role == ' o' or (own[1] and string.find(own[1], '[wm]'))
  if string.find(mode, 'm') and not may then return {-6, 0, 0, 0} end
  return nil
end
