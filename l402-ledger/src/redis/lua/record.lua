-- The record of one payment: what `l402_core::ledger::Record` is in Rust. Before it stand the constants, from Rust.
--
-- KEYS: 1 the row, 2 the own attempt once it is settled, 3 the ends of the shard's rows, 4 its open uses, 5 its horizon
-- ARGV: 1 the payment's hash, 2 the attempt's id
--
-- Fields of the row: m; s, the spare numbers; c<counter>; a<attempt>, while it is reserved or in doubt; k<key> and
-- f<fingerprint>, the attempts that hold a client's key, and those in doubt that have a fingerprint.

local row, payment, id = KEYS[1], ARGV[1], ARGV[2]
local META, TALLY, ATTEMPT = '>I8I8I4I4', '>I8I8I8I8B', '>BI8BI8I4BI8BBc0Bc0Bc0'
local RESERVED, LAPSED, UNKNOWN, COMMITTED, CANCELLED = 1, 2, 3, 4, 5

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Fields are written at the end, together.
local cache, changed = {}, {}

local function read(fields)
    local values = redis.call('HMGET', row, unpack(fields))
    for i = 1, #fields do cache[fields[i]] = values[i] end
end

local function get(field)
    local value = cache[field]
    if value == nil then
        value = redis.call('HGET', row, field)
        cache[field] = value
    end
    return value
end

local function set(field, value)
    cache[field] = value
    changed[field] = true
end

read({'m', 's', 'a' .. id, 'c' .. SALE})
local is_there = cache.m
local ends, first_due, next_number, branches = 0, 0, 0, 0
if is_there then ends, first_due, next_number, branches = struct.unpack(META, is_there) end

local function flush()
    if not is_there then return end
    local meta = struct.pack(META, ends, first_due, next_number, branches)
    if meta ~= cache.m then set('m', meta) end
    local put, drop = {}, {}
    for field in pairs(changed) do
        local value = cache[field]
        if value then
            put[#put + 1] = field
            put[#put + 1] = value
        else
            drop[#drop + 1] = field
        end
    end
    if put[1] then redis.call('HSET', row, unpack(put)) end
    if drop[1] then redis.call('HDEL', row, unpack(drop)) end
    changed = {}
end

local function tally(key)
    local text = get('c' .. key)
    if not text then return nil end
    local t = {}
    t.limit, t.committed, t.reserved, t.doubtful, t.tries = struct.unpack(TALLY, text)
    return t
end

local function set_tally(key, t)
    local field = 'c' .. key
    local was, branch = get(field), key == SALE and 0 or 1
    if was and t.committed == 0 and t.reserved == 0 and t.doubtful == 0 and t.tries == 0 then
        branches = branches - branch
        return set(field, false)
    end
    if not was then branches = branches + branch end
    set(field, struct.pack(TALLY, t.limit, t.committed, t.reserved, t.doubtful, t.tries))
end

local function free(t)
    return math.max(0, t.limit - t.committed - t.reserved - t.doubtful)
end

local function read_attempt(text)
    local a = {}
    a.standing, a.time, a.resolves_to, a.amount, a.number, a.is_unsafe, a.after, a.rule, a.fingerprint, a.key, a.counters =
        struct.unpack(ATTEMPT, text)
    return a
end

local function own_attempt()
    local text = get('a' .. id)
    if text then return read_attempt(text) end
    text = redis.call('GET', KEYS[2])
    if not text then return nil end
    local a = read_attempt(text)
    -- What a deleted row knew is forgotten with it, except that an attempt was cancelled before its reserve came.
    if a.time + SKEW <= now or not is_there and a.standing ~= CANCELLED then return nil end
    return a
end

local function is_before(one, other)
    for i = 1, #one do
        local a, b = one:byte(i), other:byte(i)
        if a ~= b then return a < b end
    end
    return false
end

-- The lowest of the attempts that a field names.
local function lowest(field)
    local list = get(field)
    if not list then return nil end
    local least = list:sub(1, 16)
    for at = 17, #list, 16 do
        local other = list:sub(at, at + 15)
        if is_before(other, least) then least = other end
    end
    return least
end

local function list_attempt(field, attempt_id, was_there, belongs_there)
    if was_there == belongs_there then return end
    local list = get(field) or ''
    if belongs_there then return set(field, list .. attempt_id) end
    for at = 1, #list, 16 do
        if list:sub(at, at + 15) == attempt_id then
            list = list:sub(1, at - 1) .. list:sub(at + 16)
            break
        end
    end
    set(field, list ~= '' and list)
end

-- When time alone changes it; nil where it does not.
local function due(a)
    if a.standing == RESERVED then return a.time end
    if a.standing <= UNKNOWN and a.resolves_to > 0 then return a.time end
end

local function set_attempt(attempt_id, a)
    local field, standing = 'a' .. attempt_id, a.standing
    local text, old = get(field), 0
    if text then old = text:byte(1) end
    local was_live, is_live = old > 0, standing <= UNKNOWN
    local was_doubtful, is_doubtful = old == LAPSED or old == UNKNOWN, standing == LAPSED or standing == UNKNOWN
    local packed = struct.pack(ATTEMPT, standing, a.time, a.resolves_to, a.amount, a.number, a.is_unsafe, a.after, a.rule,
        #a.fingerprint, a.fingerprint, #a.key, a.key, #a.counters, a.counters)
    if is_live then
        set(field, packed)
        local time = due(a)
        if time and (first_due == 0 or time < first_due) then first_due = time end
    else
        if was_live then set(field, false) end
        redis.call('SET', row .. ':' .. attempt_id, packed, 'PX', SKEW)
    end
    if a.key ~= '' then list_attempt('k' .. a.key, attempt_id, was_live, is_live) end
    if a.fingerprint ~= '' then list_attempt('f' .. a.fingerprint, attempt_id, was_doubtful, is_doubtful) end
    local was_open = was_doubtful or was_live and a.is_unsafe == 1
    local is_open = is_doubtful or is_live and a.is_unsafe == 1
    if is_open and not was_open or is_doubtful and not was_doubtful then
        redis.call('ZADD', KEYS[4], now, payment .. attempt_id)
    elseif was_open and not is_open then
        redis.call('ZREM', KEYS[4], payment .. attempt_id)
    end
end

-- Spare numbers: four bytes each, ascending.
local function return_number(number)
    local list = get('s') or ''
    local low, high = 0, #list / 4
    while low < high do
        local middle = math.floor((low + high) / 2)
        if struct.unpack('>I4', list, middle * 4 + 1) < number then low = middle + 1 else high = middle end
    end
    set('s', list:sub(1, low * 4) .. struct.pack('>I4', number) .. list:sub(low * 4 + 1))
end

-- Does something to each counter of an attempt, and returns what is left of the one that has least.
local function change(a, with)
    local least
    for at = 1, #a.counters, 16 do
        local key = a.counters:sub(at, at + 15)
        local t = tally(key)
        if t then
            with(t)
            if not least or free(t) < least then least = free(t) end
            set_tally(key, t)
        end
    end
    return least or 0
end

-- What is left of the counter that has least; 0 where none is remembered.
local function left(a)
    local least
    for at = 1, #a.counters, 16 do
        local t = tally(a.counters:sub(at, at + 15))
        if t and (not least or free(t) < least) then least = free(t) end
    end
    return least or 0
end

-- Takes what the attempt holds off a counter, wherever it stands.
local function let_go(t, a)
    if a.standing == RESERVED then
        t.reserved = math.max(0, t.reserved - a.amount)
    elseif a.standing == COMMITTED then
        t.committed = math.max(0, t.committed - a.amount)
    elseif a.standing ~= CANCELLED then
        t.doubtful = math.max(0, t.doubtful - a.amount)
    end
end

local function stand(attempt_id, a, standing, time, resolves_to)
    a.standing, a.time, a.resolves_to = standing, time, resolves_to or 0
    set_attempt(attempt_id, a)
end

local function give_back(attempt_id, a)
    local least = change(a, function(t) let_go(t, a) end)
    return_number(a.number)
    stand(attempt_id, a, CANCELLED, now)
    return least
end

local function use_up(attempt_id, a, amount)
    amount = math.min(amount, a.amount)
    local least = change(a, function(t)
        let_go(t, a)
        t.committed = t.committed + amount
    end)
    a.amount = amount
    stand(attempt_id, a, COMMITTED, now)
    return least
end

-- A doubt is over: its use is gone, and no later call of the attempt changes that.
local function decide_used(attempt_id, a)
    use_up(attempt_id, a, a.amount)
    stand(attempt_id, a, CANCELLED, now)
end

local function fall_into_doubt(attempt_id, a, cause)
    change(a, function(t)
        let_go(t, a)
        t.doubtful = t.doubtful + a.amount
    end)
    stand(attempt_id, a, cause, a.rule > 0 and now + a.after or 0, a.rule)
end

-- Does what time does to one attempt.
local function pass(attempt_id, a)
    if a.standing ~= RESERVED then
        if a.resolves_to == USED then decide_used(attempt_id, a) else give_back(attempt_id, a) end
    elseif a.is_unsafe == 1 then
        fall_into_doubt(attempt_id, a, LAPSED)
    else
        give_back(attempt_id, a)
    end
end

-- Leases that have ended, and doubts that the route's rule resolves by now.
if is_there and first_due > 0 and first_due <= now then
    first_due = 0
    local fields = redis.call('HGETALL', row)
    for i = 1, #fields, 2 do
        local field = fields[i]
        if field:byte(1) == 97 then -- a
            local attempt_id, a = field:sub(2), read_attempt(fields[i + 1])
            if cache[field] == nil then cache[field] = fields[i + 1] end
            local time = due(a)
            while time and time <= now do
                pass(attempt_id, a)
                time = due(a)
            end
            if time and (first_due == 0 or time < first_due) then first_due = time end
            if i % 512 == 1 then flush() end
        end
    end
    flush()
end
