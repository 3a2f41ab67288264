"""HTTP statuses that Envoy can be told to answer with."""

# https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/v3/http_status.proto
ERROR_STATUSES = frozenset({*range(400, 418), 421, 422, 423, 424, 426, 428, 429, 431, *range(500, 509), 510, 511})
