-- A log in which nothing was said lives on for an hour after the last look at it, or for half an hour at least: looks come
-- often, and are not to write each time. One with entries lives on, also if a server that does not know this added them.
local function touch_ttl(meta, top)
  if top then
    redis.call('PERSIST', meta)
  elseif redis.call('PTTL', meta) < 1800000 then
    redis.call('PEXPIRE', meta, 3600000)
  end
end

