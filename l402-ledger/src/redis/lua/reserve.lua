-- ARGV: 3 numbers, 4 the fingerprint, 5 the client's key, 6 the counters and their limits

local amount, ends_at, is_unsafe, is_repeatable, after, rule = struct.unpack('>I8I8BBI8B', ARGV[3])
local fingerprint, client_key = ARGV[4], ARGV[5]
local keys, limits = {}, {}
for at = 1, #ARGV[6], 24 do
    keys[#keys + 1] = ARGV[6]:sub(at, at + 15)
    limits[#limits + 1] = struct.unpack('>I8', ARGV[6], at + 16)
end

local function remaining()
    local least
    for i = 1, #keys do
        local t = tally(keys[i])
        local left = t and free(t) or limits[i]
        if not least or left < least then least = left end
    end
    return least or 0
end

-- The same request under another attempt: one to take over, or why there is no use for it.
local function same_request()
    local held
    if client_key ~= '' then
        held = lowest('k' .. client_key)
    elseif fingerprint ~= '' then
        held = lowest('f' .. fingerprint)
    end
    if not held then return nil end
    local a = read_attempt(get('a' .. held))
    if a.fingerprint == '' or a.fingerprint ~= fingerprint then return nil, KEY_HELD end
    if a.standing == RESERVED then return nil, BUSY end
    if is_repeatable == 1 and a.amount == amount and a.counters == table.concat(keys) then return held, a end
    return nil, IN_DOUBT
end

-- Why a counter has too little; nil where it has enough.
local function lack(t)
    if free(t) >= amount then return nil end
    local uncommitted = math.max(0, t.limit - t.committed)
    if uncommitted < amount then return SPENT end
    if uncommitted - t.doubtful < amount then return IN_DOUBT end -- waiting for the others does not help
    return BUSY
end

-- Why there is no room; nil where there is.
local function room()
    local why, new_branches
    new_branches = 0
    for i = 1, #keys do
        local t = tally(keys[i])
        if t then
            t.limit = math.min(t.limit, limits[i])
        else
            t = {limit = limits[i], committed = 0, reserved = 0, doubtful = 0}
            if keys[i] ~= SALE then new_branches = new_branches + 1 end
        end
        local this = lack(t)
        if this == SPENT or why == SPENT then
            why = SPENT
        elseif why ~= IN_DOUBT then
            why = this or why
        end
    end
    if why then return why end
    if new_branches > 0 and branches + new_branches > MAX_BRANCHES then return TOO_MANY_BRANCHES end
end

local function take_number()
    local spare = get('s')
    if spare then
        set('s', #spare > 4 and spare:sub(5))
        return (struct.unpack('>I4', spare))
    end
    local number = next_number
    next_number = math.min(next_number + 1, 4294967295)
    return number
end

local function take_over(old, a)
    change(a, function(t)
        t.doubtful = math.max(0, t.doubtful - a.amount)
        t.reserved = t.reserved + a.amount
    end)
    stand(old, a, CANCELLED, now)
    a.after, a.rule = after, rule
    stand(id, a, RESERVED, now + LEASE)
    return {RESERVED_REPLY, a.number, remaining()}
end

local function grant()
    if not is_there then
        is_there, ends = true, ends_at
        redis.call('ZADD', KEYS[3], ends, payment)
    end
    for i = 1, #keys do
        local t = tally(keys[i]) or {limit = limits[i], committed = 0, reserved = 0, doubtful = 0, tries = 0}
        t.reserved = t.reserved + amount
        set_tally(keys[i], t)
    end
    local number = take_number()
    set_attempt(id, {standing = RESERVED, time = now + LEASE, resolves_to = 0, amount = amount, number = number,
        is_unsafe = is_unsafe, after = after, rule = rule, fingerprint = fingerprint, key = client_key,
        counters = table.concat(keys)})
    return {RESERVED_REPLY, number, remaining()}
end

local function reserve()
    local known = own_attempt()
    if known and known.standing == RESERVED then return {RESERVED_REPLY, known.number, remaining()} end
    if known then return {REFUSED_REPLY, CANCELLED_REFUSAL} end
    if ends_at * 1000 + SKEW <= now then return {REFUSED_REPLY, ENDED} end
    if not is_there then
        -- A row that ends by the horizon may have been deleted.
        local horizon = redis.call('GET', KEYS[5])
        if not horizon then return {DAMAGED_REPLY} end
        if ends_at <= tonumber(horizon) then return {REFUSED_REPLY, ENDED} end
    end
    local old, found = same_request()
    if old then return take_over(old, found) end
    local refused = found or room()
    if refused then return {REFUSED_REPLY, refused} end
    return grant()
end

if is_there and ends_at > ends then
    ends = ends_at
    redis.call('ZADD', KEYS[3], ends, payment)
end
local reply = reserve()
flush()
return reply
