-- Tells the time by which a node judges.
-- KEYS: any of the node. Returns milliseconds of its clock.
local time = redis.call('TIME')
return string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
