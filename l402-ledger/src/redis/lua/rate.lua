-- Counts a request in each bucket, or in none. A bucket is the time at which it is full, in microseconds.
--
-- KEYS: the buckets
-- ARGV: for each, the microseconds in which one request comes back, and those in which all do
-- Returns 0, or the number of the first bucket without room, and the microseconds until it has.

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = {}
for at, key in ipairs(KEYS) do
  local interval, window = tonumber(ARGV[2 * at - 1]), tonumber(ARGV[2 * at])
  local before = tonumber(redis.call('GET', key) or 0)
  -- A clock that was set back holds nobody up for longer than the window.
  local after = math.min(math.max(before, now), now + window) + interval
  if after > now + window then return {at, after - now - window} end
  full[at] = after
end
for at, key in ipairs(KEYS) do
  local left = math.ceil((full[at] - now) / 1000)
  redis.call('SET', key, string.format('%.0f', full[at]), 'PX', string.format('%.0f', left))
end
return {0, 0}
