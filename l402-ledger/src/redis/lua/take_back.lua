local a = own_attempt()
if not a then
    cancel_unknown()
    return {RELEASED_REPLY, 0, 0}
end
if a.standing == CANCELLED then return {RELEASED_REPLY, 0, left(a)} end
if a.is_unsafe == 1 then
    fall_into_doubt(id, a, UNKNOWN)
    flush()
    return {IN_DOUBT_REPLY}
end
local least = give_back(id, a)
flush()
return {RELEASED_REPLY, 0, least}
