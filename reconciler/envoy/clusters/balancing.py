"""Where the endpoints of a cluster come from, how one is chosen, and how much it is given.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/service_discovery
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers
"""

from collections.abc import Iterable
from types import MappingProxyType

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import RoutingPriority
from envoy.config.route.v3.route_components_pb2 import RouteAction
from envoy.extensions.clusters.common.dns.v3 import dns_pb2
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster

from reconciler.envoy.protobuf import milliseconds, number, packed
from reconciler.model.policy import HashKey, HashSource, Priority
from reconciler.model.upstream import CircuitBreaker, DnsType, IpFamily, LoadBalancing, Upstream

LB_POLICIES = MappingProxyType(
    {
        None: Cluster.ROUND_ROBIN,
        LoadBalancing.ROUND_ROBIN: Cluster.ROUND_ROBIN,
        LoadBalancing.LEAST_REQUEST: Cluster.LEAST_REQUEST,
        LoadBalancing.RING_HASH: Cluster.RING_HASH,
        LoadBalancing.MAGLEV: Cluster.MAGLEV,
    }
)
_FAMILIES = MappingProxyType(
    {
        None: Cluster.V4_ONLY,
        IpFamily.V4_ONLY: Cluster.V4_ONLY,
        IpFamily.V6_ONLY: Cluster.V6_ONLY,
        IpFamily.AUTO: Cluster.AUTO,
    }
)
_TYPED_FAMILIES = MappingProxyType(
    {
        None: dns_pb2.V4_ONLY,
        IpFamily.V4_ONLY: dns_pb2.V4_ONLY,
        IpFamily.V6_ONLY: dns_pb2.V6_ONLY,
        IpFamily.AUTO: dns_pb2.AUTO,
    }
)
_PRIORITIES = MappingProxyType({Priority.DEFAULT: RoutingPriority.DEFAULT, Priority.HIGH: RoutingPriority.HIGH})


def resolve_by_dns(message: Cluster, upstream: Upstream) -> None:
    """The endpoints are what DNS says.

    The TTL of answers can be followed only by the DNS cluster that is an extension: the field of the built-in ones is
    deprecated.
    """
    logical = upstream.dns is DnsType.LOGICAL
    if upstream.respect_dns_ttl:
        dns = DnsCluster(
            respect_dns_ttl=True,
            dns_lookup_family=_TYPED_FAMILIES[upstream.ip_family],
            all_addresses_in_single_endpoint=logical,
        )
        message.cluster_type.name = "envoy.clusters.dns"
        message.cluster_type.typed_config.CopyFrom(packed(dns))
    else:
        message.type = Cluster.LOGICAL_DNS if logical else Cluster.STRICT_DNS
        message.dns_lookup_family = _FAMILIES[upstream.ip_family]


def hash_policy(key: HashKey) -> RouteAction.HashPolicy:
    """What of a request decides its endpoint."""
    match key.source:
        case HashSource.COOKIE:
            cookie = RouteAction.HashPolicy.Cookie(name=key.name, path=key.path)
            if key.ttl_ms is not None:
                cookie.ttl.CopyFrom(milliseconds(key.ttl_ms))
            return RouteAction.HashPolicy(cookie=cookie)
        case HashSource.HEADER:
            return RouteAction.HashPolicy(header=RouteAction.HashPolicy.Header(header_name=key.name))
        case HashSource.SOURCE_IP:
            by_address = RouteAction.HashPolicy.ConnectionProperties(source_ip=True)
            return RouteAction.HashPolicy(connection_properties=by_address)


def circuit_breakers(breakers: Iterable[CircuitBreaker]) -> CircuitBreakers:
    """Limits for requests of each priority."""
    return CircuitBreakers(thresholds=[_threshold(breaker) for breaker in breakers])


def _threshold(breaker: CircuitBreaker) -> CircuitBreakers.Thresholds:
    return CircuitBreakers.Thresholds(
        priority=_PRIORITIES[breaker.priority],
        max_connections=number(breaker.max_connections),
        max_pending_requests=number(breaker.max_pending_requests),
        max_requests=number(breaker.max_requests),
        max_retries=number(breaker.max_retries),
    )
