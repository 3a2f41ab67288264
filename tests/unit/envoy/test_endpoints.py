"""Services and slices as load assignments, and the names that clusters ask for."""

from random import Random

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster as EnvoyCluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy.clusters.cluster import cluster
from reconciler.envoy.endpoints import load_assignment
from reconciler.envoy.options import EndpointSource, RenderOptions
from reconciler.model.endpoints import (
    AddressChoice,
    AddressType,
    EndpointSlice,
    EndpointsName,
    Service,
    ServicePort,
    SliceEndpoint,
)
from reconciler.model.resource import ServiceAddress
from reconciler.model.table import Cluster
from reconciler.model.upstream import Discovery, LoadBalancing, Upstream

SHOP = EndpointsName("default", "shop", 80)
PORTS = Service((ServicePort(80, "http"), ServicePort(9090, "metrics")))
WATCHED = RenderOptions(endpoints=EndpointSource.KUBERNETES)

_ENDPOINTS = st.builds(
    SliceEndpoint,
    address=st.sampled_from([f"10.0.0.{n}" for n in range(1, 9)]),
    ready=st.booleans(),
    serving=st.booleans(),
    zone=st.sampled_from(["", "a", "b"]),
)
_SLICES = st.builds(
    EndpointSlice,
    service=st.just("shop"),
    addresses=st.sampled_from(AddressType),
    ports=st.sampled_from([(ServicePort(8080, "http"),), (ServicePort(9, "metrics"), ServicePort(8081, "http")), ()]),
    endpoints=st.lists(_ENDPOINTS, max_size=6).map(tuple),
)


def v4(*endpoints: SliceEndpoint, port: int = 8080, name: str = "http") -> EndpointSlice:
    """A slice of the shop."""
    return EndpointSlice("shop", AddressType.IPV4, (ServicePort(port, name),), endpoints)


def at(name: EndpointsName, service: Service | None, *slices: EndpointSlice) -> dict[str, list[str]]:
    """The endpoints of a name by zone."""
    resource = load_assignment(name, service, slices)
    message = ClusterLoadAssignment.FromString(resource.body)
    assert message.cluster_name == resource.name == str(name)
    found: dict[str, list[str]] = {}
    for locality in message.endpoints:
        addresses = [one.endpoint.address.socket_address for one in locality.lb_endpoints]
        found[locality.locality.zone] = [f"{address.address}:{address.port_value}" for address in addresses]
    return found


@given(st.lists(_SLICES, max_size=5), st.sampled_from(AddressChoice), st.randoms())
def test_only_what_there_is_matters(slices: list[EndpointSlice], choice: AddressChoice, chance: Random) -> None:
    """The same bytes, in whatever order slices come, however endpoints are spread over them, and seen twice."""
    name = EndpointsName("default", "shop", 80, choice)
    spread = [
        EndpointSlice(one.service, one.addresses, one.ports, (endpoint,))
        for one in slices
        for endpoint in one.endpoints
    ]
    chance.shuffle(spread)
    expected = load_assignment(name, PORTS, slices)
    assert load_assignment(name, PORTS, [*spread, *slices]) == expected
    together = [address for zone in at(name, PORTS, *slices).values() for address in zone]
    assert len(together) == len(set(together))


@given(st.lists(_SLICES, max_size=5))
def test_no_endpoint_that_neither_is_ready_nor_serves(slices: list[EndpointSlice]) -> None:
    """Nor one that ends, as long as another is ready."""
    able = {e.address for s in slices for e in s.endpoints if e.ready or e.serving}
    ready = {
        e.address
        for s in slices
        if s.addresses is AddressType.IPV4 and any(port.name == "http" for port in s.ports)
        for e in s.endpoints
        if e.ready
    }
    found = {address.rpartition(":")[0] for zone in at(SHOP, PORTS, *slices).values() for address in zone}
    assert found <= able
    assert not ready or found == ready


def test_the_port_of_the_service_by_its_name() -> None:
    """The number is the Service's; the slice has the Pod's, under the same name; other ports are nobody's business."""
    both = EndpointSlice(
        "shop", AddressType.IPV4, (ServicePort(9, "metrics"), ServicePort(8080, "http")), (SliceEndpoint("10.0.0.1"),)
    )
    assert at(SHOP, PORTS, both) == {"": ["10.0.0.1:8080"]}
    assert at(EndpointsName("default", "shop", 9090), PORTS, both) == {"": ["10.0.0.1:9"]}
    assert at(SHOP, Service((ServicePort(80),)), v4(SliceEndpoint("10.0.0.1"), name="")) == {"": ["10.0.0.1:8080"]}


@pytest.mark.parametrize("service", [None, Service(()), Service((ServicePort(81, "http"),)), Service((), "shop.test")])
def test_nothing_is_an_answer_too(service: Service | None) -> None:
    """No Service, no such port, or another's name: an assignment without endpoints, for which Envoy need not wait."""
    assert at(SHOP, service, v4(SliceEndpoint("10.0.0.1"))) == {}


def test_zones_are_localities() -> None:
    """Each zone apart; an endpoint of which nobody knows the zone has none."""
    endpoints = SliceEndpoint("10.0.0.2", zone="b"), SliceEndpoint("10.0.0.1", zone="a"), SliceEndpoint("10.0.0.3")
    found = at(SHOP, PORTS, v4(*endpoints))
    assert found == {"": ["10.0.0.3:8080"], "a": ["10.0.0.1:8080"], "b": ["10.0.0.2:8080"]}


def test_which_addresses() -> None:
    """Those of IPv4; of IPv6 where that is asked for, or where either will do and there are some."""
    four = v4(SliceEndpoint("10.0.0.1"))
    six = EndpointSlice("shop", AddressType.IPV6, (ServicePort(8080, "http"),), (SliceEndpoint("fd00::1"),))
    of = {choice: EndpointsName("default", "shop", 80, choice) for choice in AddressChoice}
    assert at(of[AddressChoice.IPV4], PORTS, four, six) == {"": ["10.0.0.1:8080"]}
    assert at(of[AddressChoice.IPV6], PORTS, four, six) == {"": ["fd00::1:8080"]}
    assert at(of[AddressChoice.EITHER], PORTS, four, six) == {"": ["fd00::1:8080"]}
    assert at(of[AddressChoice.EITHER], PORTS, four) == {"": ["10.0.0.1:8080"]}
    assert at(of[AddressChoice.IPV4], PORTS, six) == {}


@given(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.integers(1, 65535), st.sampled_from(AddressChoice))
def test_names_read_back(word: str, port: int, choice: AddressChoice) -> None:
    """What is asked for says all that is needed to answer."""
    name = EndpointsName(word, f"{word}-x", port, choice)
    assert EndpointsName.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "shop:80", "a/b", "a/b:x", "a/b:80/none"])
def test_other_names_are_refused(text: str) -> None:
    """Nothing else is taken for one."""
    with pytest.raises(ValueError):  # noqa: PT011 - int and enum say it in their own words
        EndpointsName.parse(text)


def rendered(host: str, options: RenderOptions, **how: object) -> EnvoyCluster:
    """The cluster of a service whose resolver is Kubernetes."""
    upstream = Upstream(discovery=Discovery.KUBERNETES, **how)  # type: ignore[arg-type] # fields by name
    return cluster(Cluster("c", ServiceAddress(host, 8080), upstream), options)


@pytest.mark.parametrize(
    "host", ["shop.team", "shop.team.svc", "shop.team.svc.cluster.local", "shop.team.svc.k8s.test."]
)
def test_a_service_is_asked_for_by_namespace_and_name(host: str) -> None:
    """However it is written; how to balance stands on the cluster as ever."""
    message = rendered(host, WATCHED, balancing=LoadBalancing.LEAST_REQUEST)
    assert message.type == EnvoyCluster.EDS
    assert message.eds_cluster_config.service_name == "team/shop:8080"
    assert not message.HasField("load_assignment")
    assert message.lb_policy == EnvoyCluster.LEAST_REQUEST
    assert rendered(host, WATCHED, ipv6=True).eds_cluster_config.service_name == "team/shop:8080/either"
    assert rendered(host, WATCHED, ipv4=False, ipv6=True).eds_cluster_config.service_name == "team/shop:8080/ipv6"


@pytest.mark.parametrize("host", ["10.0.0.1", "::1", "localhost", "api.shop.test", "a.b.c.d"])
def test_what_is_no_service_is_left_to_dns(host: str) -> None:
    """An address, this machine, a name with more or fewer parts."""
    assert rendered(host, WATCHED).type != EnvoyCluster.EDS


def test_an_address_of_the_settings_is_stronger() -> None:
    """Where there is no cluster, whoever stands in for a service is asked; and without the setting DNS is."""
    options = RenderOptions(endpoints=EndpointSource.KUBERNETES, service_addresses={"shop.team": "127.0.0.1:1"})
    assert rendered("shop.team", options).type == EnvoyCluster.STATIC
    assert rendered("shop.team", RenderOptions()).type == EnvoyCluster.STRICT_DNS
