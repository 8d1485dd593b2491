-- ARGV: 3 whether it counts as a try

-- Counts a try on the widest counter, which is that of the sale where it is counted.
local function is_third_try(a)
    if a.counters == '' then return false end
    local key = a.counters:sub(1, 16)
    local t = tally(key)
    if not t then return false end
    t.tries = t.tries + 1
    local is_third = t.tries >= TRIES
    if is_third then t.tries = 0 end
    set_tally(key, t)
    return is_third
end

local a = own_attempt()
if not a then
    cancel_unknown()
    return {RELEASED_REPLY, 0, 0}
end
if a.standing == COMMITTED then return {LOST_REPLY} end
if a.standing == CANCELLED then return {RELEASED_REPLY, 0, left(a)} end
local costs, least = 0, 0
if ARGV[3] == '1' and is_third_try(a) then
    costs, least = 1, use_up(id, a, a.amount)
else
    least = give_back(id, a)
end
flush()
return {RELEASED_REPLY, costs, least}
