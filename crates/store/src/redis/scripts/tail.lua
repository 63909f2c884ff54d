-- Returns the entries of a log after a number; all entries if the log has another epoch.
-- KEYS: log, meta, amended. ARGV: epoch known, number known, maximum number of entries, epoch if there is none.
-- Returns epoch, newest number, how many were lost, entries.
local head = redis.call('HMGET', KEYS[2], 'top', 'epoch')
local top, epoch, from, lost = tonumber(head[1] or '0'), head[2], tonumber(ARGV[2]), 0
if not epoch then
  epoch = ARGV[4]
  redis.call('HSET', KEYS[2], 'epoch', epoch)
end
if epoch ~= ARGV[1] then from = 0 end
touch_ttl(KEYS[2], head[1])
-- A failover lost entries that were already delivered. Their numbers are not used again.
if top < from then
  lost = from - top
  top = from
  redis.call('PERSIST', KEYS[2])
  redis.call('HSET', KEYS[2], 'top', ARGV[2])
end
local entries = {}
if top > from then
  entries = redis.call('XRANGE', KEYS[1], string.format('(%.0f-0', from), '+', 'COUNT', ARGV[3])
  entries = merge(KEYS[3], entries, from, nil, tonumber(ARGV[3]))
end
return {epoch, string.format('%.0f', top), lost, entries}
