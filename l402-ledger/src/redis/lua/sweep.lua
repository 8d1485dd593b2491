-- Deletes rows of one shard whose time is over, the earliest end first, and says so in the horizon.
--
-- KEYS: 1 the ends of the shard's rows, 2 its open uses, 3 its horizon
-- ARGV: 1 what the names of its rows begin with, 2 how many at most, 3 the horizon of another shard
-- Returns how many, and the horizon; -1 for both where it is missing.

local clock = redis.call('TIME')
local horizon = redis.call('GET', KEYS[3])
if not horizon then return {-1, -1} end
local was = tonumber(horizon)
horizon = math.max(was, tonumber(ARGV[3]))
local over = clock[1] - SKEW / 1000
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', over, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #rows, 2 do
    local payment = rows[i]
    local row = ARGV[1] .. payment:gsub('.', function(byte) return string.format('%02x', byte:byte()) end)
    for _, field in ipairs(redis.call('HKEYS', row)) do
        if field:byte(1) == 97 then redis.call('ZREM', KEYS[2], payment .. field:sub(2)) end
    end
    redis.call('UNLINK', row)
    redis.call('ZREM', KEYS[1], payment)
    horizon = math.max(horizon, tonumber(rows[i + 1]))
end
if horizon ~= was then redis.call('SET', KEYS[3], string.format('%.0f', horizon)) end
return {#rows / 2, horizon}
