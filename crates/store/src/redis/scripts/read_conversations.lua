-- Moves the marks of conversations forward, and counts what is unread in them.
-- KEYS: states of conversations, index. ARGV: for each the other user and the number.
for i = 1, #ARGV, 2 do
  local peer, id = ARGV[i], tonumber(ARGV[i + 1])
  local last, read = state_of(KEYS[1], peer)
  if last > 0 and id > read then
    local unread = 0
    local from = '[' .. peer .. ':' .. string.format('%016.0f', id + 1)
    for _, found in ipairs(redis.call('ZRANGE', KEYS[2], from, '(' .. peer .. ';', 'BYLEX')) do
      if string.sub(found, -1) == 'i' then unread = unread + 1 end
    end
    set_state(KEYS[1], peer, last, id, unread)
  end
end
return 1
