-- Reads the deny-list, unless its version is the one that was seen.
--
-- KEYS: 1 the deny-list
-- ARGV: 1 the version that was seen; empty where there was none
-- Returns its fields and values; false where nothing has changed.

if ARGV[1] == (redis.call('HGET', KEYS[1], 'version') or '0') then return false end
return redis.call('HGETALL', KEYS[1])
