-- Appends a recipient's copies of direct messages, except those that were appended before. The copies of one sender are
-- appended in the order of generation and seq, so the newest one tells which are known.
-- KEYS: log, meta, user, newest copy of each sender, states of conversations, index. ARGV goes on with recipient, when
-- the recipient's account was created; then generation, seq, time, text of each.
-- Returns 1, or -1: there is no such account any more.
local account = redis.call('HMGET', KEYS[3], 'hash', 'created')
if not account[1] or account[2] ~= ARGV[6] then return -1 end
local newest = redis.call('HGET', KEYS[4], ARGV[4]) or '0 0'
local generation, seq = string.match(newest, '^(%d+) (%d+)$')
generation, seq = tonumber(generation), tonumber(seq)
local _, read, unread = state_of(KEYS[5], ARGV[4])
local appended = 0
for i = 7, #ARGV, 4 do
  local its_generation, its_seq = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  if its_generation > generation or (its_generation == generation and its_seq > seq) then
    local id = append(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[5])
    generation, seq, newest = its_generation, its_seq, ARGV[i] .. ' ' .. ARGV[i + 1]
    redis.call('ZADD', KEYS[6], 0, member(ARGV[4], id, 'i'))
    appended = appended + 1
    set_state(KEYS[5], ARGV[4], id, read, unread + appended)
  end
end
-- This is written also if nothing is new, so that WAIT on this connection covers the earlier append.
redis.call('HSET', KEYS[4], ARGV[4], newest)
trim(KEYS[1], KEYS[6], ARGV[5], ARGV[1])
return 1
