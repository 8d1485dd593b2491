-- Reads the clock, in milliseconds, and the horizon of the whole ledger.
--
-- KEYS: 1 that horizon
-- Returns both; -1 for both where the horizon is missing.

local clock = redis.call('TIME')
local horizon = redis.call('GET', KEYS[1])
if not horizon then return {-1, -1} end
return {clock[1] * 1000 + math.floor(clock[2] / 1000), tonumber(horizon)}
