-- Shows an invitation, and the time by which it is judged.
-- KEYS: invitation. Returns milliseconds of the clock, and its fields with their values: none if there is none.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {string.format('%.0f', now), redis.call('HGETALL', KEYS[1])}
