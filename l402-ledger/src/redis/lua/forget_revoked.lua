-- Takes off the deny-list what denies nothing any more.
--
-- KEYS: 1 the deny-list

local over = redis.call('TIME')[1] - SKEW / 1000
local list = redis.call('HGETALL', KEYS[1])
for i = 1, #list, 2 do
    if list[i] ~= 'version' and tonumber(list[i + 1]) <= over then redis.call('HDEL', KEYS[1], list[i]) end
end
return 0
