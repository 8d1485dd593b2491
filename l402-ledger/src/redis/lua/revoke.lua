-- Puts something on the deny-list, or leaves it there for longer.
--
-- KEYS: 1 the deny-list
-- ARGV: 1 what is denied, 2 until when, in seconds

local was = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or 0) + 1
local latest = string.format('%.0f', math.max(was, tonumber(ARGV[2])))
redis.call('HSET', KEYS[1], ARGV[1], latest, 'version', string.format('%.0f', version))
return 0
