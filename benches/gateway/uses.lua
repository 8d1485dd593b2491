-- Another credential for each request, from the file that L402_CREDENTIALS names; the method is that of L402_METHOD.

local credentials

function init()
    credentials = assert(io.open(os.getenv("L402_CREDENTIALS")))
    wrk.method = os.getenv("L402_METHOD")
end

function request()
    -- Once there is none left, the last one is refused, and the bench says so.
    wrk.headers["Authorization"] = credentials:read() or wrk.headers["Authorization"]
    return wrk.format()
end
