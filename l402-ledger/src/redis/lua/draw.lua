-- ARGV: 3 how much the attempt takes in all, 4 whether it takes nothing any more

local a = own_attempt()
if not a or a.standing ~= COMMITTED then return {LOST_REPLY} end
local total, is_last, amount = tonumber(ARGV[3]), ARGV[4] == '1', a.amount
if total >= amount then
    amount = amount + math.min(total - amount, left(a))
elseif is_last then
    amount = total
end
local least = change(a, function(t)
    let_go(t, a)
    t.committed = t.committed + amount
end)
a.amount = amount
stand(id, a, is_last and CANCELLED or COMMITTED, now)
flush()
return {DRAWN_REPLY, amount, least}
