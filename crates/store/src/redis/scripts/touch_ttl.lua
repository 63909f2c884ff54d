-- An empty log stays for at least half an hour, at most one hour, after the last read of its head. Reads are frequent,
-- so not each one writes. A log with entries does not expire, even if a server of an older version added them; nor does the
-- head of a room that somebody owns.
local function touch_ttl(meta, top)
  if top or redis.call('HEXISTS', meta, 'rights') == 1 then
    redis.call('PERSIST', meta)
  elseif redis.call('PTTL', meta) < 1800000 then
    redis.call('PEXPIRE', meta, 3600000)
  end
end

