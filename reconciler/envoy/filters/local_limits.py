"""Limits that each Envoy counts by itself: a filter that is always there, and a token bucket for a route.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/local_rate_limit_filter
"""

from envoy.extensions.filters.http.local_ratelimit.v3.local_rate_limit_pb2 import LocalRateLimit
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from envoy.type.v3.http_status_pb2 import HttpStatus
from envoy.type.v3.token_bucket_pb2 import TokenBucket
from google.protobuf.wrappers_pb2 import UInt32Value

from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.envoy.routes.matchers import percent
from reconciler.model.policy import LocalLimit

LOCAL_LIMIT_FILTER = "envoy.filters.http.local_ratelimit"

_ALWAYS = 100  # percent


def local_limit_filter() -> HttpFilter:
    """Does nothing but for routes with a token bucket of their own."""
    return HttpFilter(name=LOCAL_LIMIT_FILTER, typed_config=packed(LocalRateLimit(stat_prefix="local_limit")))


def local_limit(limit: LocalLimit, route: str) -> LocalRateLimit:
    """The token bucket of a route, and its statistics by the route's name."""
    bucket = TokenBucket(
        max_tokens=limit.tokens,
        tokens_per_fill=UInt32Value(value=limit.per_fill),
        fill_interval=milliseconds(limit.interval_ms),
    )
    message = LocalRateLimit(stat_prefix=route.replace("/", "_").replace(".", "_"), token_bucket=bucket)
    message.status.CopyFrom(HttpStatus(code=limit.status))
    for share in (message.filter_enabled, message.filter_enforced):
        share.default_value.CopyFrom(percent(_ALWAYS).default_value)
    return message
