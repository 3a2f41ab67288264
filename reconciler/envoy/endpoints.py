"""Endpoints of Services as Envoy's load assignments, and the names they are asked for by.

A snapshot has the names only. Endpoints come and go with every Pod, without a commit.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/endpoint/v3/endpoint.proto
"""

from collections import defaultdict
from collections.abc import Iterable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import Locality
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from reconciler.envoy.addresses import is_ip, socket_address
from reconciler.envoy.config_sources import ads
from reconciler.envoy.options import EndpointSource, RenderOptions
from reconciler.envoy.protobuf import serialise
from reconciler.model.endpoints import AddressChoice, AddressType, EndpointSlice, EndpointsName, Service, SliceEndpoint
from reconciler.model.resource import ServiceAddress
from reconciler.model.snapshot import XdsResource
from reconciler.model.upstream import Discovery, IpFamily, Upstream

_ONLY_NAME_AND_NAMESPACE = 2
_CHOICES = {IpFamily.V6_ONLY: AddressChoice.IPV6, IpFamily.AUTO: AddressChoice.EITHER}


def endpoints_name(service: ServiceAddress, upstream: Upstream, options: RenderOptions) -> EndpointsName | None:
    """What the endpoints of a service are asked for by; None where DNS, or nobody, is asked for them.

    ``name.namespace``, with ``.svc`` and a cluster's domain behind it or not, is a Service of Kubernetes.
    """
    if options.endpoints is EndpointSource.DNS or upstream.discovery is not Discovery.KUBERNETES:
        return None
    labels = service.host.removesuffix(".").split(".")
    if is_ip(service.host) or len(labels) < _ONLY_NAME_AND_NAMESPACE or labels[2:3] not in ([], ["svc"]):
        return None
    choice = _CHOICES.get(upstream.ip_family or IpFamily.V4_ONLY, AddressChoice.IPV4)
    return EndpointsName(labels[1], labels[0], service.port, choice)


def discover_endpoints(message: Cluster, name: EndpointsName) -> None:
    """The endpoints of a cluster come by discovery, under ``name``."""
    message.type = Cluster.EDS
    message.eds_cluster_config.eds_config.CopyFrom(ads())
    message.eds_cluster_config.service_name = str(name)


def names_asked(message: Cluster) -> tuple[str, ...]:
    """The name of the endpoints that a cluster asks for, if any."""
    name = message.eds_cluster_config.service_name
    return (name,) if name else ()


def without_discovery(message: Cluster) -> None:
    """Leave a cluster no endpoints instead of such that nobody tells, for a check of the rest."""
    if message.type == Cluster.EDS:
        message.ClearField("eds_cluster_config")
        message.type = Cluster.STATIC
        message.load_assignment.cluster_name = message.name


def placeholder(name: str) -> XdsResource:
    """What stands in a snapshot for the endpoints of a name."""
    return XdsResource.of(name, serialise(ClusterLoadAssignment(cluster_name=name)))


def load_assignment(name: EndpointsName, service: Service | None, slices: Iterable[EndpointSlice]) -> XdsResource:
    """The endpoints of a name; none where the Service, or its port, is not there, so that Envoy need not wait.

    Args:
        name: what was asked for.
        service: the Service of that name, None where there is none.
        slices: those of the Service, in any order; they may overlap.

    Returns:
        A ``ClusterLoadAssignment``, the same bytes for the same endpoints, whichever slices they stand in.
    """
    message = ClusterLoadAssignment(cluster_name=str(name))
    ports = [port.name for port in service.ports if port.number == name.port] if service else []
    if ports:
        by_zone = defaultdict[str, list[LbEndpoint]](list)
        authority = f"{name.service}.{name.namespace}"
        for (address, port), zone in sorted(_chosen(name.addresses, ports[0], tuple(slices)).items()):
            endpoint = Endpoint(address=socket_address(address, port), hostname=authority)
            by_zone[zone].append(LbEndpoint(endpoint=endpoint))
        for zone, endpoints in sorted(by_zone.items()):
            locality = Locality(zone=zone) if zone else None
            message.endpoints.append(LocalityLbEndpoints(locality=locality, lb_endpoints=endpoints))
    return XdsResource.of(str(name), serialise(message))


_Found = dict[tuple[str, int], str]  # address and port: zone


def _chosen(choice: AddressChoice, port: str, slices: tuple[EndpointSlice, ...]) -> _Found:
    ipv4, ipv6 = (_usable(port, [s for s in slices if s.addresses is kind]) for kind in AddressType)
    match choice:
        case AddressChoice.IPV4:
            return ipv4
        case AddressChoice.IPV6:
            return ipv6
        case AddressChoice.EITHER:
            return ipv6 or ipv4


def _usable(port: str, slices: list[EndpointSlice]) -> _Found:
    """Endpoints that are ready; where none is, those that still serve while they end, as kube-proxy does it."""
    ready: _Found = {}
    ending: _Found = {}
    for one in slices:
        numbers = [there.number for there in one.ports if there.name == port]
        for number in numbers[:1]:
            for endpoint in one.endpoints:
                _enter(ready if endpoint.ready else ending, endpoint, number)
    return ready or ending


def _enter(found: _Found, endpoint: SliceEndpoint, port: int) -> None:
    if endpoint.ready or endpoint.serving:
        before = found.get((endpoint.address, port), "")
        # While a Pod moves from one slice to another, both may have it, and one may not know its zone yet.
        found[endpoint.address, port] = max(before, endpoint.zone)
