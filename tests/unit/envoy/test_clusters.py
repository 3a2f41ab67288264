"""Upstreams as clusters."""

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import SubjectAltNameMatcher
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from reconciler.envoy import RenderOptions
from reconciler.envoy.clusters import cluster, effective_address
from reconciler.model.resource import ServiceAddress
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
        ({"svc": "127.0.0.1:2", "*": "127.0.0.1:3"}, ("127.0.0.1", 3)),
        ({"svc.ns": "[::1]:4"}, ("::1", 4)),
        ({"svc.ns": "::1"}, ("::1", 8080)),
        ({"svc.ns": "elsewhere.test"}, ("elsewhere.test", 8080)),
    ],
)
def test_most_exact_replacement_wins(replacements: dict[str, str], expected: tuple[str, int]) -> None:
    """A replacement is looked up by host and port, then host, then ``*``; without a port the service's stays."""
    assert effective_address(ServiceAddress("svc.ns", 8080), replacements) == expected


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
