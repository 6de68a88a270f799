-- Changes one session after the other: marks each, then unmarks each, and so on. Every request is a change.
-- Arguments after `--`: a file with one correlation id a line.
local threads = 0

function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

function init(arguments)
    ids = {}
    local line = 0
    for id in io.lines(arguments[1]) do
        -- Two threads never have a session in common.
        if line % 2 == number % 2 then
            ids[#ids + 1] = id
        end
        line = line + 1
    end
    sent = 0
    headers = { ["Content-Type"] = "application/json" }
end

function request()
    local id = ids[sent % #ids + 1]
    local action = math.floor(sent / #ids) % 2 == 0 and 6 or 7
    sent = sent + 1
    local body = '{"Action":' .. action .. ',"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"' .. id
        .. '","UCCName":"ucc-demo-name"}'
    return wrk.format("POST", "/attendantservice/api/recording/set", headers, body)
end

function response(status)
    if status ~= 200 then
        print("not answered with 200: " .. status)
    end
end
