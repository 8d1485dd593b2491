-- Raises the horizon of the whole ledger. It never goes back.
--
-- KEYS: 1 that horizon
-- ARGV: 1 what it is at least

local was = tonumber(redis.call('GET', KEYS[1]) or -1)
if was < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 0
