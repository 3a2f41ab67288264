"""Cross-origin resource sharing: a filter that is always there, and which origins a route lets in.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/cors_filter
"""

from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors as CorsFilter
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.matchers import string_matcher
from reconciler.model.match import StringMatch
from reconciler.model.policy import Cors

CORS_FILTER = "envoy.filters.http.cors"

# Envoy takes this exact text for every origin.
_ANY_ORIGIN = StringMatcher(exact="*")


def cors_filter() -> HttpFilter:
    """Does nothing but for routes with a `cors_policy`."""
    return HttpFilter(name=CORS_FILTER, typed_config=packed(CorsFilter()))


def cors_policy(cors: Cors) -> CorsPolicy:
    """Which origins may read the answers; the filter answers their preflight requests by itself."""
    return CorsPolicy(
        allow_origin_string_match=[origin_matcher(origin) for origin in cors.origins],
        allow_methods=", ".join(cors.methods),
        allow_headers=", ".join(cors.headers),
        expose_headers=", ".join(cors.exposed_headers),
        max_age=cors.max_age,
        allow_credentials=None if cors.credentials is None else BoolValue(value=cors.credentials),
    )


def origin_matcher(origin: StringMatch) -> StringMatcher:
    """A condition on the origin; no condition means all origins."""
    return string_matcher(origin) or _ANY_ORIGIN
