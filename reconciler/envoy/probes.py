"""What an Envoy tells everybody of its admin interface: whether it is ready, and its statistics; nothing else.

The admin interface itself can end Envoy and print what it holds. Kept on a socket in the file system, no address on
the network leads to it, not even one that a document names as a service.
"""

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address, Pipe
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher, Route, RouteAction, RouteMatch, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
)
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from reconciler.envoy.addresses import socket_address, split
from reconciler.envoy.protobuf import milliseconds, packed

UNIX = "unix:"
SHOWN_PATHS = ("/ready", "/stats", "/stats/prometheus")

_ADMIN_CLUSTER = "reconciler_admin"
_LISTENER = "reconciler_probes"
_ONLY_OWNER = 0o600
_CONNECT_TIMEOUT_MS = 1000


def admin_address(address: str) -> Address:
    """Where Envoy answers its operator: ``host:port``, or ``unix:PATH``, a socket that only its own user may open."""
    if address.startswith(UNIX):
        return Address(pipe=Pipe(path=address.removeprefix(UNIX), mode=_ONLY_OWNER))
    return socket_address(*split(address))


def add_probes(bootstrap: Bootstrap, address: str) -> None:
    """Have this Envoy answer GET requests for `SHOWN_PATHS` on ``address`` with what its admin interface says.

    Args:
        bootstrap: with its admin interface set, at a socket or a port that is known.
        address: ``host:port``.
    """
    endpoint = LbEndpoint(endpoint=Endpoint(address=bootstrap.admin.address))
    bootstrap.static_resources.clusters.append(
        Cluster(
            name=_ADMIN_CLUSTER,
            type=Cluster.STATIC,
            connect_timeout=milliseconds(_CONNECT_TIMEOUT_MS),
            load_assignment=ClusterLoadAssignment(
                cluster_name=_ADMIN_CLUSTER, endpoints=[LocalityLbEndpoints(lb_endpoints=[endpoint])]
            ),
        )
    )
    manager = packed(_connection_manager())
    bootstrap.static_resources.listeners.append(
        Listener(
            name=_LISTENER,
            address=socket_address(*split(address)),
            filter_chains=[
                FilterChain(
                    filters=[Filter(name="envoy.filters.network.http_connection_manager", typed_config=manager)]
                )
            ],
        )
    )


def _connection_manager() -> HttpConnectionManager:
    host = VirtualHost(name=_LISTENER, domains=["*"], routes=[_shown(path) for path in SHOWN_PATHS])
    return HttpConnectionManager(
        stat_prefix=_LISTENER,
        route_config=RouteConfiguration(name=_LISTENER, virtual_hosts=[host]),
        http_filters=[HttpFilter(name="envoy.filters.http.router", typed_config=packed(Router()))],
    )


def _shown(path: str) -> Route:
    only_get = HeaderMatcher(name=":method", string_match=StringMatcher(exact="GET"))
    return Route(
        match=RouteMatch(path=path, headers=[only_get]),
        route=RouteAction(cluster=_ADMIN_CLUSTER, prefix_rewrite=path),
    )
