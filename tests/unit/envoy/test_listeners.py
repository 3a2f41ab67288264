"""Ports as Envoy listeners."""

from dataclasses import replace

from envoy.config.core.v3.address_pb2 import SocketAddress
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy
from envoy.extensions.transport_sockets.quic.v3.quic_transport_pb2 import QuicDownstreamTransport
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext

from reconciler.envoy.listeners.listener import listener
from reconciler.envoy.options import RenderOptions
from reconciler.model.edge import PLAIN_EDGE
from reconciler.model.ports import Stack
from reconciler.model.resource import Kind, ResourceId, SecurityModel
from reconciler.model.table import Listener, TcpRoute, VirtualHost
from reconciler.model.tls import TlsParameters, TlsVersion
from tests.support.mappings import host_match, provenance
from tests.support.routing import route_configurations, rule
from tests.support.tcp_mappings import termination

QUIET = RenderOptions(access_log_path="")
HTTPS = Stack(tls=True)


def hosts() -> tuple[VirtualHost, ...]:
    """Three with TLS of their own, one without."""
    endings = {"*": "any", "*.a.test": "wild", "b.test": "b", "c.test": ""}
    return tuple(
        VirtualHost(host_match(name), (rule(name.strip("*."), "/", "c"),), None, termination(how) if how else None)
        for name, how in endings.items()
    )


def port(stack: Stack, *virtual_hosts: VirtualHost) -> Listener:
    """A listener on 8443."""
    return Listener("l", "127.0.0.1", 8443, SecurityModel.XFP, virtual_hosts, stack=stack)


def tcp_route(name: str, cluster: str = "c", percent: int = 100) -> TcpRoute:
    """A TCP route for all connections."""
    id_ = ResourceId(Kind.TCP_MAPPING, "default", name)
    return TcpRoute(f"default/{name}", id_, provenance(name), (), cluster, percent)


def test_plain_http_is_one_chain() -> None:
    """It says nothing about which connections."""
    message = listener(port(Stack(), *hosts()), PLAIN_EDGE, QUIET)
    (chain,) = message.filter_chains
    assert not chain.HasField("filter_chain_match")
    assert not message.listener_filters


def test_a_proxy_header_is_read_before_tls() -> None:
    """In the order of the bytes."""
    message = listener(port(Stack(tls=True, proxy=True), *hosts()), PLAIN_EDGE, QUIET)
    assert [one.name.rpartition(".")[2] for one in message.listener_filters] == ["proxy_protocol", "tls_inspector"]


def test_https_has_a_chain_for_each_name_and_one_for_clear_text() -> None:
    """Envoy has no word for any name; each chain takes routes of its own."""
    message = listener(port(HTTPS, *hosts()), PLAIN_EDGE, QUIET)
    found = []
    for chain in message.filter_chains:
        manager = HttpConnectionManager.FromString(chain.filters[0].typed_config.value)
        match = chain.filter_chain_match
        found.append((match.transport_protocol, list(match.server_names), manager.rds.route_config_name))
        assert chain.HasField("transport_socket") == (match.transport_protocol == "tls")
    assert found == [
        ("raw_buffer", [], "l"),
        ("tls", [], "l/Host default/any"),
        ("tls", ["b.test"], "l/Host default/b"),
        ("tls", ["*.a.test"], "l/Host default/wild"),
    ]
    assert [routes.name for routes in route_configurations(port(HTTPS, *hosts()))] == [name for *_, name in found]


def test_settings_of_a_listener() -> None:
    """Statistics, streams and trusted proxies, in every chain."""
    special = replace(port(HTTPS, *hosts()), stats_prefix="edge", max_streams=7, trusted_hops=2)
    for chain in listener(special, PLAIN_EDGE, QUIET).filter_chains:
        manager = HttpConnectionManager.FromString(chain.filters[0].typed_config.value)
        assert (manager.stat_prefix, manager.xff_num_trusted_hops) == ("edge", 2)
        assert manager.http2_protocol_options.max_concurrent_streams.value == 7


def test_http3() -> None:
    """A UDP port has no clear text; what is said of versions and protocols is for TCP."""
    spoken = TlsParameters(max_version=TlsVersion.V1_2, alpn=("h2",))
    host = replace(hosts()[2], termination=replace(termination("b"), parameters=spoken))
    message = listener(port(Stack(tls=True, udp=True), host, hosts()[3]), PLAIN_EDGE, QUIET)
    assert message.address.socket_address.protocol == SocketAddress.UDP
    assert message.udp_listener_config.HasField("quic_options")
    (chain,) = message.filter_chains
    assert chain.filter_chain_match.transport_protocol == "quic"
    socket = QuicDownstreamTransport.FromString(chain.transport_socket.typed_config.value)
    common = socket.downstream_tls_context.common_tls_context
    assert common.tls_certificate_sds_secret_configs
    assert not common.HasField("tls_params")
    assert not common.alpn_protocols
    manager = HttpConnectionManager.FromString(chain.filters[0].typed_config.value)
    assert manager.codec_type == HttpConnectionManager.HTTP3


def test_http3_is_advertised() -> None:
    """In clear text, too: a client that comes back over TLS knows then."""
    told = replace(port(HTTPS, *hosts()), advertises_http3=True)
    for resource in route_configurations(told):
        routes = RouteConfiguration.FromString(resource.body)
        assert [(one.header.key, one.header.value) for one in routes.response_headers_to_add] == [
            ("alt-svc", 'h3=":443"; ma=86400')
        ]


def test_tcp_by_weight() -> None:
    """The cluster alone, or clusters by weight; one that gets nothing is left out."""

    def proxy(*routes: TcpRoute) -> TcpProxy:
        raw = replace(port(Stack(http=False)), tcp_routes=routes)
        (chain,) = listener(raw, PLAIN_EDGE, QUIET).filter_chains
        return TcpProxy.FromString(chain.filters[0].typed_config.value)

    assert (proxy(tcp_route("a")).cluster, proxy(tcp_route("a")).stat_prefix) == ("c", "ingress_tcp_8443")
    shared = proxy(tcp_route("a", "x", 70), tcp_route("b", "y", 30), tcp_route("z", "z", 0))
    assert [(one.name, one.weight) for one in shared.weighted_clusters.clusters] == [("x", 70), ("y", 30)]


def test_tcp_by_name() -> None:
    """A chain for each name, with TLS; the origin of the routes stands in its metadata."""
    ending = termination("a")
    servers = ((host_match("a.test"), ending), (host_match("*"), ending))
    raw = replace(port(Stack(http=False, tls=True)), tcp_routes=(replace(tcp_route("a"), servers=servers),))
    chains = listener(raw, PLAIN_EDGE, QUIET).filter_chains
    assert [list(chain.filter_chain_match.server_names) for chain in chains] == [["a.test"], []]
    assert {chain.filter_chain_match.transport_protocol for chain in chains} == {"tls"}
    for chain in chains:
        assert chain.transport_socket.typed_config.Is(DownstreamTlsContext.DESCRIPTOR)
        assert chain.metadata.filter_metadata["reconciler"]["mapping"] == "default/a"
