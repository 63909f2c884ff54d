-- Removes tickets of a user, all of them or one, and fences off the session that began by one of them: it increases the
-- generation, which no session has then. The session that revokes them keeps its seat.
-- Returns the ids of those that were removed, and whether a session was fenced off.
local function revoke(user, tickets, id, by)
  local all, ids, fenced = redis.call('HGETALL', tickets), {}, 0
  local bound, generation = string.match(redis.call('HGET', user, 'bound') or '', '^(%S+) (%S+)$')
  for i = 1, #all, 2 do
    if id == '' or all[i] == id then
      redis.call('HDEL', tickets, all[i])
      table.insert(ids, all[i])
      if all[i] == bound and generation ~= by and generation == redis.call('HGET', user, 'generation') then
        -- By the clock, as in a claim: a failover may have lost the claim of a session that still lives.
        local time = redis.call('TIME')
        local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
        redis.call('HSET', user, 'generation', string.format('%.0f', math.max(tonumber(generation) + 1, micros)))
        fenced = 1
      end
    end
  end
  return ids, fenced
end
