"""HTTP on a connection: Envoy's HTTP connection manager.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
"""

from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.filters.chain import http_filters
from reconciler.envoy.listeners.access_log import access_logs
from reconciler.envoy.listeners.http_settings import apply_settings
from reconciler.envoy.listeners.remote_log import remote_log
from reconciler.envoy.listeners.route_source import RouteSource, take_routes
from reconciler.envoy.listeners.tracing import hcm_tracing
from reconciler.envoy.options import RenderOptions
from reconciler.model.edge import Edge
from reconciler.model.table import Listener


def http_connection_manager(
    port: Listener, edge: Edge, options: RenderOptions, routes: RouteSource
) -> HttpConnectionManager:
    """HTTP with some routes.

    ``/a/../b`` is normalised before it is matched, so that no rule is walked around; ``//`` is not merged: as in the
    language's other implementation, ``/a//b`` is another path than ``/a/b``. The remote address is the client's, and
    what is claimed in ``x-forwarded-*`` is believed only of as many hops as the port trusts.
    """
    usual = "ingress_https" if port.stack.tls else "ingress_http"
    message = HttpConnectionManager(
        stat_prefix=port.stats_prefix or usual,
        http_filters=http_filters(edge),
        access_log=[*access_logs(options, edge.http.log), *(remote_log(log) for log in edge.logs)],
        use_remote_address=BoolValue(value=True),
        xff_num_trusted_hops=port.trusted_hops,
        normalize_path=BoolValue(value=True),
    )
    take_routes(message, routes)
    if edge.tracing is not None:
        message.tracing.CopyFrom(hcm_tracing(edge.tracing))
    if port.stack.udp:
        message.codec_type = HttpConnectionManager.HTTP3
        message.http3_protocol_options.SetInParent()
    if port.max_streams is not None:
        message.http2_protocol_options.max_concurrent_streams.value = port.max_streams
    apply_settings(message, edge.http)
    return message
