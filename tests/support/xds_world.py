"""Around the ADS server: Envoy messages built by hand, and load."""

import http.client
import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)

from reconciler.apply.xds import Protocol
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource


def cluster(name: str, port: int, *, address: str = "127.0.0.1") -> XdsResource:
    """A static cluster with one endpoint."""
    message = Cluster(name=name, type=Cluster.STATIC)
    message.connect_timeout.seconds = 1
    message.load_assignment.cluster_name = name
    endpoint = message.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.socket_address.address = address
    endpoint.address.socket_address.port_value = port
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def eds_cluster(name: str, *, connect_timeout_s: int = 1) -> XdsResource:
    """A cluster whose endpoints come over ADS."""
    message = Cluster(name=name, type=Cluster.EDS)
    message.connect_timeout.seconds = connect_timeout_s
    message.eds_cluster_config.eds_config.ads.SetInParent()
    message.eds_cluster_config.eds_config.resource_api_version = ApiVersion.V3
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def endpoints(name: str, port: int) -> XdsResource:
    """One endpoint on loopback for such a cluster."""
    message = ClusterLoadAssignment(cluster_name=name)
    endpoint = message.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.socket_address.address = "127.0.0.1"
    endpoint.address.socket_address.port_value = port
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def listener(name: str, route_name: str, port: int = 0) -> XdsResource:
    """A plain-HTTP listener whose routes come over ADS."""
    manager = HttpConnectionManager(stat_prefix=name)
    manager.rds.route_config_name = route_name
    manager.rds.config_source.ads.SetInParent()
    manager.rds.config_source.resource_api_version = ApiVersion.V3
    return _listening(name, manager, port)


def _listening(name: str, manager: HttpConnectionManager, port: int) -> XdsResource:
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.Pack(Router(), deterministic=True)
    message = Listener(name=name)
    message.address.socket_address.address = "127.0.0.1"
    message.address.socket_address.port_value = port
    filter_ = message.filter_chains.add().filters.add(name="envoy.filters.network.http_connection_manager")
    filter_.typed_config.Pack(manager, deterministic=True)
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def scoped_listener(name: str, port: int = 0) -> XdsResource:
    """A plain-HTTP listener that takes the scope of a request by its host, and scopes and routes over ADS."""
    manager = HttpConnectionManager(stat_prefix=name)
    scoped = manager.scoped_routes
    scoped.name = "by-host"
    scoped.scope_key_builder.fragments.add().header_value_extractor.name = ":authority"
    scoped.scope_key_builder.fragments[0].header_value_extractor.index = 0
    for source in (scoped.rds_config_source, scoped.scoped_rds.scoped_rds_config_source):
        source.ads.SetInParent()
        source.resource_api_version = ApiVersion.V3
    return _listening(name, manager, port)


def scope(name: str, host: str, route_name: str) -> XdsResource:
    """Requests for a host have the routes of a configuration."""
    message = ScopedRouteConfiguration(name=name, route_configuration_name=route_name)
    message.key.fragments.add(string_key=host)
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def routes(name: str, prefixes: Mapping[str, str], *, regex: str = "") -> XdsResource:
    """A route configuration: prefix to cluster, or to a text answered directly when it begins with ``=``.

    Args:
        name: of the route configuration.
        prefixes: in match order.
        regex: a further route's regular expression, e.g. a bad one.
    """
    message = RouteConfiguration(name=name)
    host = message.virtual_hosts.add(name="all", domains=["*"])
    if regex:
        route = host.routes.add()
        route.match.safe_regex.regex = regex
        route.direct_response.status = 200
    for prefix, to in prefixes.items():
        route = host.routes.add()
        route.match.prefix = prefix
        if to.startswith("="):
            route.direct_response.status = 200
            route.direct_response.body.inline_string = to[1:]
        else:
            route.route.cluster = to
    return XdsResource.of(name, message.SerializeToString(deterministic=True))


def snapshot(
    clusters: Iterable[XdsResource],
    listeners: Iterable[XdsResource],
    route_configurations: Iterable[XdsResource],
    assignments: Iterable[XdsResource] = (),
    scopes: Iterable[XdsResource] = (),
) -> Snapshot:
    """A snapshot of resources by type."""
    return Snapshot.of(
        {
            TypeUrl.CLUSTER: ResourceSet.of(clusters),
            TypeUrl.ENDPOINT: ResourceSet.of(assignments),
            TypeUrl.LISTENER: ResourceSet.of(listeners),
            TypeUrl.SCOPED_ROUTE: ResourceSet.of(scopes),
            TypeUrl.ROUTE: ResourceSet.of(route_configurations),
        }
    )


def bootstrap(node: str, xds_port: int, protocol: Protocol, *, regex_limit: int = 0) -> bytes:
    """An Envoy that takes everything from the server on ``xds_port`` and retries soon.

    Args:
        node: its id.
        xds_port: on loopback.
        protocol: which variant it speaks.
        regex_limit: RE2 program size from which on it refuses a regular expression; 0 for none.
    """
    api_type = "DELTA_GRPC" if protocol is Protocol.DELTA else "GRPC"
    backoff = {"base_interval": "0.05s", "max_interval": "0.2s"}
    source = {"ads": {}, "resource_api_version": "V3"}
    http2 = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
    server = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": xds_port}}}}
    config: dict[str, Any] = {
        "node": {"id": node, "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": api_type,
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds", "retry_policy": {"retry_back_off": backoff}}}],
            },
            "cds_config": source,
            "lds_config": source,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "typed_extension_protocol_options": http2,
                    "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [server]}]},
                }
            ]
        },
    }
    if regex_limit:
        layer = {"name": "limit", "static_layer": {"re2.max_program_size.error_level": regex_limit}}
        config["layered_runtime"] = {"layers": [layer]}
    return json.dumps(config).encode()


def get(port: int, path: str = "/", host: str = "") -> tuple[int, str]:
    """Status and body of a request to a listener on loopback; status 0 when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


@dataclass
class Load:
    """Requests without a pause over kept-alive connections to echo upstreams.

    Counts answers by status (0: none) and the upstream that gave them.
    """

    port: int
    path: str = "/"
    connections: int = 2
    host: str = ""
    answers: dict[tuple[int, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.connections)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failed(self) -> int:
        """Requests that got no 200."""
        return sum(count for (status, _), count in self.answers.items() if status != 200)

    def seen(self, upstream: str) -> int:
        """How many answers an upstream gave."""
        return self.answers.get((200, upstream), 0)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self._stop.is_set():
            answer = (0, "")
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", self.path, headers={"host": self.host} if self.host else {})
                response = connection.getresponse()
                body = response.read()
                answer = (response.status, json.loads(body)["upstream"] if response.status == 200 else body.decode())
            if answer[0] == 0:
                connection.close()
            with self._lock:
                self.answers[answer] = self.answers.get(answer, 0) + 1
        connection.close()
