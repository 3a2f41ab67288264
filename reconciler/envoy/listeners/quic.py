"""HTTP/3: HTTP over QUIC, which is UDP with TLS built in.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/http/http3
"""

from collections.abc import Iterable

from envoy.config.core.v3.address_pb2 import SocketAddress
from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.core.v3.udp_socket_config_pb2 import UdpSocketConfig
from envoy.config.listener.v3 import listener_pb2
from envoy.config.listener.v3.listener_components_pb2 import FilterChain
from envoy.config.listener.v3.quic_config_pb2 import QuicProtocolOptions
from envoy.config.listener.v3.udp_listener_config_pb2 import UdpListenerConfig
from envoy.extensions.transport_sockets.quic.v3.quic_transport_pb2 import QuicDownstreamTransport
from google.protobuf.wrappers_pb2 import BoolValue

from reconciler.envoy.addresses import socket_address
from reconciler.envoy.listeners.filter_chains import asked_for, http_filter
from reconciler.envoy.listeners.route_source import RouteSource
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.configuration import chain_name
from reconciler.envoy.tls.contexts import downstream_tls_context
from reconciler.model.chains import TlsChain
from reconciler.model.edge import Edge
from reconciler.model.table import Listener
from reconciler.model.tls import Termination

QUIC_SOCKET = "envoy.transport_sockets.quic"

_QUIC = "quic"


def quic_listener(port: Listener, chains: Iterable[FilterChain]) -> listener_pb2.Listener:
    """A UDP port that speaks QUIC. The kernel may join packets that belong together."""
    message = listener_pb2.Listener(
        name=port.name,
        address=socket_address(port.address, port.port),
        filter_chains=chains,
        udp_listener_config=UdpListenerConfig(
            quic_options=QuicProtocolOptions(),
            downstream_socket_config=UdpSocketConfig(prefer_gro=BoolValue(value=True)),
        ),
    )
    message.address.socket_address.protocol = SocketAddress.UDP
    return message


def quic_chain(port: Listener, chain: TlsChain, edge: Edge, options: RenderOptions) -> FilterChain:
    """QUIC connections that ask for some names."""
    name = chain_name(port, chain)
    return FilterChain(
        name=name,
        filter_chain_match=asked_for(chain.servers, _QUIC),
        transport_socket=quic_socket(chain.termination),
        filters=[http_filter(port, RouteSource.of(name, chain.virtual_hosts, options.sharding), edge, options)],
    )


def quic_socket(termination: Termination) -> TransportSocket:
    """How TLS ends inside QUIC: it is always TLS 1.3 and ``h3``, so what is said of versions is for TCP."""
    context = downstream_tls_context(termination)
    context.common_tls_context.ClearField("tls_params")
    context.common_tls_context.ClearField("alpn_protocols")
    return TransportSocket(
        name=QUIC_SOCKET, typed_config=packed(QuicDownstreamTransport(downstream_tls_context=context))
    )
