"""HTTP connections as filter chains: which connections, how their TLS ends, and the HTTP in them.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener_components.proto
"""

from collections.abc import Iterable

from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain, FilterChainMatch

from reconciler.envoy.listeners.connection_manager import http_connection_manager
from reconciler.envoy.listeners.route_source import RouteSource
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.configuration import chain_name
from reconciler.envoy.tls.contexts import downstream_tls_context, tls_socket
from reconciler.model.chains import TlsChain
from reconciler.model.edge import Edge
from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.table import Listener

HCM_FILTER = "envoy.filters.network.http_connection_manager"

_TLS, _CLEAR_TEXT = "tls", "raw_buffer"


def clear_text_chain(port: Listener, edge: Edge, options: RenderOptions) -> FilterChain:
    """Connections without TLS; on a port that never looks for TLS simply all."""
    match = FilterChainMatch(transport_protocol=_CLEAR_TEXT) if port.stack.tls else None
    routes = RouteSource.of(port.name, port.virtual_hosts, options.sharding)
    return FilterChain(filter_chain_match=match, filters=[http_filter(port, routes, edge, options)])


def tls_chain(port: Listener, chain: TlsChain, edge: Edge, options: RenderOptions) -> FilterChain:
    """TLS connections that ask for some names."""
    name = chain_name(port, chain)
    return FilterChain(
        name=name,
        filter_chain_match=asked_for(chain.servers, _TLS),
        transport_socket=tls_socket(downstream_tls_context(chain.termination)),
        filters=[http_filter(port, RouteSource.of(name, chain.virtual_hosts, options.sharding), edge, options)],
    )


def http_filter(port: Listener, routes: RouteSource, edge: Edge, options: RenderOptions) -> Filter:
    """The HTTP connection manager with some routes."""
    return Filter(name=HCM_FILTER, typed_config=packed(http_connection_manager(port, edge, options, routes)))


def asked_for(servers: Iterable[HostMatch], transport: str = _TLS) -> FilterChainMatch:
    """Connections by the name the client asks for; Envoy has no word for ``*``, which is to say nothing."""
    names = [str(server) for server in servers]
    anything = any(server.kind is MatchKind.ANY for server in servers)
    return FilterChainMatch(transport_protocol=transport, server_names=[] if anything else names)
