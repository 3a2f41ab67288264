"""What is kept of objects of the cluster, whatever they hold."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.discovery.objects import secret_of, service_of, slice_of
from reconciler.model.digest import Json
from reconciler.model.endpoints import AddressType, EndpointSlice, Service, ServicePort, SliceEndpoint
from reconciler.resources.upstream.service import InvalidService, parse_service

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = [
    "spec",
    "ports",
    "port",
    "name",
    "metadata",
    "labels",
    "addressType",
    "endpoints",
    "addresses",
    "data",
    "zone",
]
_BODIES = st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6)
_SHOP: Json = {"labels": {"kubernetes.io/service-name": "shop"}}


@given(_BODIES, _JSON)
def test_no_object_is_too_strange(body: dict[str, Json], inside: Json) -> None:
    """Anything may be in any field: it is left out, and nothing is raised."""
    for strange in (body, body | {"spec": {"ports": [inside]}, "endpoints": [inside], "data": {"tls.crt": inside}}):
        service_of(strange)
        slice_of(strange | {"metadata": _SHOP, "addressType": "IPv4"})
        slice_of(strange)
        secret_of(strange)


def test_the_ports_of_a_service() -> None:
    """Those of TCP, which is what a port is that says nothing; a name alone where it stands for another."""
    ports: Json = [
        {"port": 80, "name": "http", "targetPort": "web"},
        {"port": 53, "protocol": "UDP"},
        {"port": 443, "protocol": "TCP"},
        {"port": 0},
        {"port": "x"},
    ]
    assert service_of({"spec": {"ports": ports}}) == Service((ServicePort(80, "http"), ServicePort(443)))
    external: Json = {"type": "ExternalName", "externalName": "shop.test"}
    assert service_of({"spec": external}) == Service((), "shop.test")


def test_the_endpoints_of_a_slice() -> None:
    """Unknown is ready; one that ends is not, but may serve; the zone is kept."""
    endpoints: Json = [
        {"addresses": ["10.0.0.1", "10.0.0.9"], "zone": "a"},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        {"addresses": ["10.0.0.3"], "conditions": {"ready": False, "serving": True, "terminating": True}},
        {"addresses": ["10.0.0.4"], "conditions": {"ready": None}},
    ]
    body: dict[str, Json] = {
        "metadata": _SHOP,
        "addressType": "IPv4",
        "ports": [{"port": 8080, "name": "http", "protocol": "TCP"}, {"name": "any", "port": None}],
        "endpoints": endpoints,
    }
    expected = (
        SliceEndpoint("10.0.0.1", zone="a"),
        SliceEndpoint("10.0.0.2", ready=False, serving=False),
        SliceEndpoint("10.0.0.3", ready=False, serving=True),
        SliceEndpoint("10.0.0.4"),
    )
    assert slice_of(body) == EndpointSlice("shop", AddressType.IPV4, (ServicePort(8080, "http"),), expected)
    assert slice_of(body | {"addressType": "FQDN"}) is None
    assert slice_of(body | {"metadata": {}}) is None


NO_UPSTREAM = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "FD00:EC2:0::254",
    "fd00:ec2::254%eth0",
    "fd20:ce::254",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "0.0.0.0",
    "::ffff:0.0.0.0",
    "::",
    "224.0.0.1",
    "::ffff:224.0.0.1",
    "ff02::1",
]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::1%lo", "::ffff:127.0.0.1", "::ffff:7f00:1"]


@pytest.mark.parametrize("address", [*NO_UPSTREAM, *LOOPBACK, "shop.test", "", "%", "1.2.3", "::1::"])
def test_no_endpoint_is_envoy_s_own_machine(address: str) -> None:
    """Whoever may write slices must not reach its admin interface, nor the metadata service of a cloud."""
    endpoints: Json = [{"addresses": [address]}, {"addresses": ["10.0.0.1"]}]
    found = slice_of({"metadata": _SHOP, "addressType": "IPv4", "endpoints": endpoints})
    assert found is not None
    assert [one.address for one in found.endpoints] == ["10.0.0.1"]


@pytest.mark.parametrize("address", NO_UPSTREAM)
def test_what_is_no_endpoint_is_no_service_either(address: str) -> None:
    """Both ask the same; only of Envoy's own machine a setting decides, which is looked at elsewhere."""
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidService, match="is no"):
        parse_service(f"{written}:80", "default")
    for inside in LOOPBACK:
        assert parse_service(f"[{inside}]" if ":" in inside else inside, "default").host


@pytest.mark.parametrize("address", ["10.0.0.1", "100.100.100.201", "fd00:ec2::253", "2001:db8::1", "::ffff:10.0.0.1"])
def test_what_may_be_an_endpoint_may_be_a_service(address: str) -> None:
    """Private addresses are what clusters are made of."""
    found = slice_of({"metadata": _SHOP, "addressType": "IPv6", "endpoints": [{"addresses": [address]}]})
    assert found is not None
    assert [one.address for one in found.endpoints] == [address]
    assert parse_service(f"[{address}]" if ":" in address else address, "default").host


def test_the_entries_of_a_secret() -> None:
    """Only those that certificates are made of are kept; what is not base64 is empty, and so no certificate."""
    data: Json = {"tls.crt": b64encode(b"c").decode(), "tls.key": "not base64!", "password": b64encode(b"x").decode()}
    assert secret_of({"data": data}).entries == {"tls.crt": b"c", "tls.key": b""}
