"""Upstreams as clusters."""

from dataclasses import replace

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.clusters.common.dns.v3 import dns_pb2
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import SubjectAltNameMatcher
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.type.v3.http_pb2 import CodecClientType

from reconciler.envoy import RenderOptions
from reconciler.envoy.clusters.cluster import cluster, effective_address
from reconciler.envoy.clusters.protocols import HTTP_OPTIONS
from reconciler.model.resource import ServiceAddress
from reconciler.model.upstream import DnsType, HealthCheck, HttpCheck, Upstream
from tests.support import routing


def endpoint(message: Cluster) -> tuple[str, int, str]:
    """Address, port and hostname of the only endpoint."""
    (locality,) = message.load_assignment.endpoints
    (only,) = locality.lb_endpoints
    socket = only.endpoint.address.socket_address
    return socket.address, socket.port_value, only.endpoint.hostname


def tls_context(message: Cluster) -> UpstreamTlsContext:
    """The TLS settings of a cluster."""
    return UpstreamTlsContext.FromString(message.transport_socket.typed_config.value)


def test_name_is_resolved() -> None:
    """A name is resolved by Envoy, IPv4 only, with 3 s to connect, and sanitised in statistics."""
    message = cluster(routing.cluster("http://httpbin.org:80", "httpbin.org"), RenderOptions())
    assert (message.type, message.dns_lookup_family) == (Cluster.STRICT_DNS, Cluster.V4_ONLY)
    assert (message.lb_policy, message.connect_timeout.seconds) == (Cluster.ROUND_ROBIN, 3)
    assert message.alt_stat_name == "http_httpbin_org_80"
    assert endpoint(message) == ("httpbin.org", 80, "")
    assert not message.HasField("transport_socket")


@pytest.mark.parametrize(("host", "hostname"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_address_is_static(host: str, hostname: str) -> None:
    """An IP address needs no DNS; it is its own host name, or auto_host_rewrite would keep the client's."""
    message = cluster(routing.cluster("c", host, 9000), RenderOptions())
    assert message.type == Cluster.STATIC
    assert endpoint(message) == (host, 9000, hostname)


@pytest.mark.parametrize(
    ("replacements", "expected"),
    [
        ({}, ("svc.ns", 8080)),
        ({"svc.ns:8080": "127.0.0.1:1", "svc.ns": "127.0.0.1:2", "*": "127.0.0.1:3"}, ("127.0.0.1", 1)),
        ({"svc.ns:80": "127.0.0.1:1", "svc.ns": "127.0.0.1:2", "*": "127.0.0.1:3"}, ("127.0.0.1", 2)),
        ({"svc": "127.0.0.1:2", "*": "127.0.0.1:3"}, ("127.0.0.1", 2)),
        ({"svc:8080": "127.0.0.1:1", "svc": "127.0.0.1:2"}, ("127.0.0.1", 1)),
        ({"svc.other": "127.0.0.1:2", "*": "127.0.0.1:3"}, ("127.0.0.1", 3)),
        ({"svc.ns": "[::1]:4"}, ("::1", 4)),
        ({"svc.ns": "::1"}, ("::1", 8080)),
        ({"svc.ns": "elsewhere.test"}, ("elsewhere.test", 8080)),
    ],
)
def test_most_exact_replacement_wins(replacements: dict[str, str], expected: tuple[str, int]) -> None:
    """Looked up by host and port, host, name without namespace, then ``*``; without a port the service's stays."""
    assert effective_address(ServiceAddress("svc.ns", 8080), replacements) == expected


def test_a_bare_name_replaces_no_domain() -> None:
    """``api`` stands for the service in every namespace, not for every host that begins with it."""
    assert effective_address(ServiceAddress("api.example.com", 80), {"api": "127.0.0.1:1"}) == ("api.example.com", 80)
    assert effective_address(ServiceAddress("10.0.0.1", 80), {"10": "127.0.0.1:1"}) == ("10.0.0.1", 80)


def test_replaced_service_keeps_its_name() -> None:
    """Where an address stands in for a service, ``auto_host_rewrite`` and TLS still speak of the service."""
    options = RenderOptions(service_addresses={"*": "127.0.0.1:8443"})
    message = cluster(routing.cluster("c", "api.test", 443, tls=True), options)
    assert message.type == Cluster.STATIC
    assert endpoint(message) == ("127.0.0.1", 8443, "api.test")
    assert tls_context(message).sni == "api.test"


@pytest.mark.parametrize(
    ("host", "sni", "kind"),
    [("api.test", "api.test", SubjectAltNameMatcher.DNS), ("10.0.0.1", "", SubjectAltNameMatcher.IP_ADDRESS)],
)
def test_tls_is_verified(host: str, sni: str, kind: int) -> None:
    """TLS always checks who signed the certificate and for whom."""
    context = tls_context(cluster(routing.cluster("c", host, 443, tls=True), RenderOptions(upstream_ca_file="/ca.pem")))
    validation = context.common_tls_context.validation_context
    assert context.sni == sni
    assert validation.trusted_ca.filename == "/ca.pem"
    (wanted,) = validation.match_typed_subject_alt_names
    assert (wanted.san_type, wanted.matcher.exact) == (kind, host)


def talking(upstream: Upstream, host: str = "svc.test") -> Cluster:
    """The cluster of a service that is talked to so."""
    return cluster(replace(routing.cluster("c", host), upstream=upstream), RenderOptions())


def protocol(message: Cluster) -> HttpProtocolOptions:
    """The HTTP options of a cluster."""
    return HttpProtocolOptions.FromString(message.typed_extension_protocol_options[HTTP_OPTIONS].value)


def test_protocol_and_lifetimes() -> None:
    """HTTP/2 and the lifetimes of connections are one typed config; 0 is never."""
    message = protocol(talking(Upstream(http2=True, idle_timeout_ms=0, max_connection_ms=0)))
    assert message.explicit_http_config.HasField("http2_protocol_options")
    assert message.common_http_protocol_options.HasField("idle_timeout")
    assert not message.common_http_protocol_options.HasField("max_connection_duration")
    message = protocol(talking(Upstream(max_connection_ms=1500)))
    assert message.explicit_http_config.HasField("http_protocol_options")
    assert message.common_http_protocol_options.max_connection_duration.ToMilliseconds() == 1500


def test_ttl_takes_the_dns_cluster() -> None:
    """TTLs are followed by the extension, and an address that is no name needs no DNS at all."""
    message = talking(Upstream(respect_dns_ttl=True, dns=DnsType.LOGICAL, ipv6=True))
    assert message.cluster_type.name == "envoy.clusters.dns"
    dns = DnsCluster.FromString(message.cluster_type.typed_config.value)
    assert (dns.respect_dns_ttl, dns.all_addresses_in_single_endpoint) == (True, True)
    assert dns.dns_lookup_family == dns_pb2.AUTO
    assert talking(Upstream(respect_dns_ttl=True, dns=DnsType.LOGICAL), "127.0.0.1").type == Cluster.STATIC


def test_a_check_is_believed_of_the_only_endpoint() -> None:
    """Without endpoints that work nothing is sent; a cluster without requests is checked as often."""
    message = talking(Upstream(http2=True, health_checks=(HealthCheck(interval_ms=700, http=HttpCheck("/")),)))
    (check,) = message.health_checks
    assert check.interval == check.no_traffic_interval
    assert check.http_health_check.host == "svc.test"
    assert check.http_health_check.codec_client_type == CodecClientType.HTTP2
    assert message.common_lb_config.healthy_panic_threshold.value == 0
    assert message.common_lb_config.HasField("healthy_panic_threshold")
    assert message.ignore_health_on_host_removal


def test_name_in_statistics() -> None:
    """It is the name that was given."""
    assert talking(Upstream(stat_name="mine")).alt_stat_name == "mine"
