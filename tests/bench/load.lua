-- Random requests for wrk, from a file of `host<TAB>path` lines that tests/bench/load.py writes.
-- Arguments: the file, and the seed of the random choice.

local requests = {}

function init(args)
  math.randomseed(tonumber(args[2]))
  for line in io.lines(args[1]) do
    local host, path = line:match("^(%S+)\t(%S+)$")
    requests[#requests + 1] = wrk.format("GET", path, { ["Host"] = host, ["x-version"] = "v2" })
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
