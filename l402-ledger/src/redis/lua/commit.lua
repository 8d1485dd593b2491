-- ARGV: 3 the amount

local a = own_attempt()
if not a or a.standing == UNKNOWN or a.standing == CANCELLED then return {LOST_REPLY} end
local least
if a.standing == COMMITTED then least = left(a) else least = use_up(id, a, tonumber(ARGV[3])) end
local is_spent = 0
for at = 1, #a.counters, 16 do
    local t = tally(a.counters:sub(at, at + 15))
    if t and t.committed >= t.limit then is_spent = 1 end
end
flush()
return {COMMITTED_REPLY, least, is_spent}
