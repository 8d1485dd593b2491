-- Deletes rows of one shard whose time is over, the earliest end first, and says so in the horizon.
--
-- A row is deleted only once the horizon of the whole ledger has reached its end: nobody is to sell below the horizon of a shard.
--
-- KEYS: 1 the ends of the shard's rows, 2 its open uses, 3 its horizon
-- ARGV: 1 what the names of its rows begin with, 2 how many at most, 3 the horizon of the whole ledger
-- Returns how many, and where it deleted none, the horizon that it waits for, or 0; -1 for both where its horizon is missing.

local clock = redis.call('TIME')
local was = redis.call('GET', KEYS[3])
if not was then return {-1, -1} end
local over = clock[1] - SKEW / 1000
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', over, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
if rows[1] and tonumber(rows[#rows]) > tonumber(ARGV[3]) then return {0, tonumber(rows[#rows])} end
for i = 1, #rows, 2 do
    local payment = rows[i]
    local row = ARGV[1] .. payment:gsub('.', function(byte) return string.format('%02x', byte:byte()) end)
    for _, field in ipairs(redis.call('HKEYS', row)) do
        if field:byte(1) == 97 then redis.call('ZREM', KEYS[2], payment .. field:sub(2)) end
    end
    redis.call('UNLINK', row)
    redis.call('ZREM', KEYS[1], payment)
end
if tonumber(was) < tonumber(ARGV[3]) then redis.call('SET', KEYS[3], ARGV[3]) end
return {#rows / 2, 0}
