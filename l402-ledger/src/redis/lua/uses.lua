if not is_there then return {} end
local reply = {ends}
local fields = redis.call('HGETALL', row)
for i = 1, #fields, 2 do
    if fields[i]:byte(1) == 99 then -- c
        reply[#reply + 1] = fields[i]:sub(2)
        reply[#reply + 1] = fields[i + 1]
    end
end
return reply
