-- Lists uses of one shard that may be in doubt, the oldest first.
--
-- KEYS: 1 the shard's open uses
-- ARGV: 1 what the names of its rows begin with, 2 the first to list, 3 the last
-- Returns for each: payment and attempt, since when, the row's m, the attempt.

local reply = {}
local members = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'WITHSCORES')
for i = 1, #members, 2 do
    local payment, id = members[i]:sub(1, 32), members[i]:sub(33)
    local row = ARGV[1] .. payment:gsub('.', function(byte) return string.format('%02x', byte:byte()) end)
    local found = redis.call('HMGET', row, 'm', 'a' .. id)
    reply[#reply + 1] = {members[i], members[i + 1], found[1], found[2]}
end
return reply
