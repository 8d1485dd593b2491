-- ARGV: 3 what it is resolved to

local a = own_attempt()
if not a or a.standing ~= LAPSED and a.standing ~= UNKNOWN then return {LOST_REPLY} end
if tonumber(ARGV[3]) == USED then decide_used(id, a) else give_back(id, a) end
flush()
return {RESOLVED_REPLY}
