local a = own_attempt()
if not a or a.standing ~= RESERVED then return {LOST_REPLY} end
stand(id, a, RESERVED, now + LEASE)
flush()
return {RENEWED_REPLY}
