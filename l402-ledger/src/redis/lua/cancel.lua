-- A release overtook its reserve, which must not be granted any more.
local function cancel_unknown()
    set_attempt(id, {standing = CANCELLED, time = now, resolves_to = 0, amount = 0, number = 0, is_unsafe = 0, after = 0,
        rule = 0, fingerprint = '', key = '', counters = ''})
end
