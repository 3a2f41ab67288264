"""Ports as Envoy listeners. Routes never live in them: a listener that changes drops its connections.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener.proto
"""

from envoy.config.listener.v3 import listener_pb2
from envoy.config.listener.v3.listener_components_pb2 import FilterChain, ListenerFilter
from envoy.extensions.filters.listener.proxy_protocol.v3.proxy_protocol_pb2 import ProxyProtocol
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector

from reconciler.envoy.addresses import socket_address
from reconciler.envoy.listeners.filter_chains import HCM_FILTER, clear_text_chain, tls_chain
from reconciler.envoy.listeners.quic import quic_chain, quic_listener
from reconciler.envoy.listeners.tcp import tcp_chains
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.model.chains import tls_chains
from reconciler.model.edge import Edge
from reconciler.model.ports import Stack
from reconciler.model.table import Listener

__all__ = ["HCM_FILTER", "filter_chains", "listener", "listener_filters"]


def listener(port: Listener, edge: Edge, options: RenderOptions) -> listener_pb2.Listener:
    """One port with all that may happen to its connections."""
    if port.stack.udp:
        return quic_listener(port, [quic_chain(port, chain, edge, options) for chain in tls_chains(port)])
    return listener_pb2.Listener(
        name=port.name,
        address=socket_address(port.address, port.port),
        listener_filters=listener_filters(port.stack),
        filter_chains=filter_chains(port, edge, options),
    )


def listener_filters(stack: Stack) -> list[ListenerFilter]:
    """What looks at a connection before a chain is chosen, in the order of the bytes: PROXY header, then TLS."""
    filters = []
    if stack.proxy:
        config = packed(ProxyProtocol())
        filters.append(ListenerFilter(name="envoy.filters.listener.proxy_protocol", typed_config=config))
    if stack.tls:
        config = packed(TlsInspector())
        filters.append(ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=config))
    return filters


def filter_chains(port: Listener, edge: Edge, options: RenderOptions) -> list[FilterChain]:
    """The chains of a TCP port: HTTP in clear text, HTTP over TLS by name, and connections that are forwarded."""
    chains = []
    if port.stack.http:
        chains.append(clear_text_chain(port, edge, options))
        chains += (tls_chain(port, chain, edge, options) for chain in tls_chains(port))
    return [*chains, *tcp_chains(port, options)]
