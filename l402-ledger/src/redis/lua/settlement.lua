-- Keeps the record of a payment that arrived, until the later of its end and that of the record before.
--
-- KEYS: 1 the record
-- ARGV: 1 what it says, 2 its end in seconds

local clock = redis.call('TIME')
local left = tonumber(ARGV[2]) * 1000 - clock[1] * 1000 - math.floor(clock[2] / 1000)
left = math.max(left, redis.call('PTTL', KEYS[1]))
if left > 0 then redis.call('SET', KEYS[1], ARGV[1], 'PX', string.format('%.0f', left)) end
return 1
