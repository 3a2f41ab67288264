"""Statistics of gRPC calls.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/grpc_stats_filter
"""

from envoy.config.core.v3.grpc_method_list_pb2 import GrpcMethodList
from envoy.extensions.filters.http.grpc_stats.v3.config_pb2 import FilterConfig
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.model.edge import GrpcStats


def grpc_stats(settings: GrpcStats) -> FilterConfig:
    """Statistics of the listed methods, of all, or of all together."""
    message = FilterConfig(enable_upstream_stats=settings.upstream)
    if settings.services:
        listed = [GrpcMethodList.Service(name=name, method_names=methods) for name, methods in settings.services]
        message.individual_method_stats_allowlist.services.extend(listed)
    else:
        message.stats_for_all_methods.CopyFrom(BoolValue(value=settings.all_methods))
    return message
