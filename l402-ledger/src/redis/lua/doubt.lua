local a = own_attempt()
if not a or a.standing == COMMITTED or a.standing == CANCELLED then return {LOST_REPLY} end
if a.standing ~= UNKNOWN then
    fall_into_doubt(id, a, UNKNOWN)
    flush()
end
return {IN_DOUBT_REPLY}
