"""TCPMappings as filter chains.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto
"""

from collections.abc import Sequence
from itertools import groupby

from envoy.config.core.v3.base_pb2 import Metadata
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy
from google.protobuf.struct_pb2 import Struct, Value

from reconciler.envoy.listeners.connection_log import connection_logs
from reconciler.envoy.listeners.filter_chains import asked_for
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.envoy.routes.route import METADATA_NAMESPACE
from reconciler.envoy.tls.contexts import downstream_tls_context, tls_socket
from reconciler.model.provenance import Touch
from reconciler.model.table import Listener, TcpRoute

TCP_PROXY = "envoy.filters.network.tcp_proxy"


def tcp_chains(port: Listener, options: RenderOptions) -> list[FilterChain]:
    """The chains of a port's TCP routes: one per way its TLS ends, or one for all connections."""
    groups = groupby(sorted(port.tcp_routes, key=_connections), key=_connections)
    return [chain for _, routes in groups for chain in _chains(port, list(routes), options)]


def _connections(route: TcpRoute) -> tuple[str, ...]:
    return tuple(f"{host} {how.name}" for host, how in route.servers)


def _chains(port: Listener, routes: Sequence[TcpRoute], options: RenderOptions) -> list[FilterChain]:
    """The chains of the routes that share their connections."""
    filters = [Filter(name=TCP_PROXY, typed_config=packed(tcp_proxy(port, routes, options)))]
    name, origin = f"{port.name}/{'+'.join(route.name for route in routes)}", metadata(routes)
    if not routes[0].servers:
        return [FilterChain(name=name, filters=filters, metadata=origin)]
    return [
        FilterChain(
            name=f"{name}/{host}",
            filter_chain_match=asked_for([host]),
            transport_socket=tls_socket(downstream_tls_context(termination)),
            filters=filters,
            metadata=origin,
        )
        for host, termination in routes[0].servers
    ]


def tcp_proxy(port: Listener, routes: Sequence[TcpRoute], options: RenderOptions) -> TcpProxy:
    """Forwards connections to the clusters of some routes, by weight."""
    message = TcpProxy(stat_prefix=stat_prefix(port), access_log=connection_logs(options))
    if len(routes) == 1:
        message.cluster = routes[0].cluster
    for route in routes if len(routes) > 1 else ():
        if route.percent:
            message.weighted_clusters.clusters.add(name=route.cluster, weight=route.percent)
    if routes[0].idle_timeout_ms is not None:
        message.idle_timeout.CopyFrom(milliseconds(routes[0].idle_timeout_ms))
    return message


def stat_prefix(port: Listener) -> str:
    """The usual one names the port, for which HTTP has a name of its own."""
    return port.stats_prefix or f"ingress_{'tls' if port.stack.tls else 'tcp'}_{port.port}"


def metadata(routes: Sequence[TcpRoute]) -> Metadata:
    """Where the routes of a chain come from: access log lines print it, so that each leads to a commit.

    Of routes that share their connections all are named; the cluster in the line tells which it was.
    """
    touches = [route.provenance.touch for route in routes]
    origin = {
        "mapping": [route.name for route in routes],
        "source": list(dict.fromkeys(route.provenance.path for route in routes)),
        "commit": list(dict.fromkeys(touch.sha for touch in touches if isinstance(touch, Touch))),
    }
    fields = {key: Value(string_value=",".join(values)) for key, values in origin.items()}
    return Metadata(filter_metadata={METADATA_NAMESPACE: Struct(fields=fields)})
