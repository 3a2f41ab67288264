"""Configurations an Envoy starts with: all in one file, fed by xDS, or fed by files.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto
"""

from collections.abc import Mapping
from pathlib import PurePath

from envoy.config.bootstrap.v3.bootstrap_pb2 import Admin, Bootstrap, LayeredRuntime, RuntimeLayer
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.backoff_pb2 import BackoffStrategy
from envoy.config.core.v3.base_pb2 import Node, RetryPolicy
from envoy.config.core.v3.config_source_pb2 import ApiConfigSource, ApiVersion, ConfigSource, PathConfigSource
from envoy.config.core.v3.grpc_service_pb2 import GrpcService
from envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions, KeepaliveSettings
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    ScopedRouteConfigurationsList,
)
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from google.protobuf.struct_pb2 import Struct, Value

from reconciler.envoy.addresses import is_ip, single_endpoint, split
from reconciler.envoy.config_sources import ads
from reconciler.envoy.endpoints import without_discovery
from reconciler.envoy.listeners.listener import HCM_FILTER
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.probes import add_probes, admin_address
from reconciler.envoy.protobuf import milliseconds, packed, serialise
from reconciler.envoy.readable import json_bytes
from reconciler.envoy.routes.scopes import key_start
from reconciler.envoy.tls.contexts import tls_socket
from reconciler.envoy.tls.control_plane import XdsTls, to_control_plane
from reconciler.envoy.tls.static import drop_tls_files, named_files, put_secrets_inside
from reconciler.model.files import FilesFormat, clusters_file, listeners_file, watched
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.snapshot import Snapshot, TypeUrl, XdsResource

ANY_ADMIN_PORT = "127.0.0.1:0"

# RE2 instructions of one pattern. A Mapping's pattern for hosts grows up to sixfold: it compares without case.
LARGEST_PATTERN = 10 * DEFAULT_LIMITS.max_regex_program

_XDS_CLUSTER = "reconciler_xds"
_CONNECT_TIMEOUT_MS = 3000
_KEEPALIVE_MS = 10_000
# Envoy's own longest wait is 30 s, which a few restarts of the server in a row would reach.
_RECONNECT_MS = 500
_LONGEST_RECONNECT_MS = 5_000


def static_bootstrap(
    snapshot: Snapshot, options: RenderOptions, form: FilesFormat = FilesFormat.JSON, *, without_files: bool = False
) -> bytes:
    """One self-contained configuration: what ``envoy -c`` serves as it is and ``--mode validate`` reads whole.

    Routes stand inside their listeners, and every cluster they name must exist.

    Args:
        snapshot: from `render`.
        options: what it was rendered with.
        form: JSON for people; binary is written 30 times faster and read faster too, which every apply feels.
        without_files: leave out certificates and keys, for a check on a machine that lacks them.
    """
    message = Bootstrap(admin=admin_interface(options.admin_address), layered_runtime=layered_runtime())
    routes, scopes = snapshot[TypeUrl.ROUTE].resources, snapshot[TypeUrl.SCOPED_ROUTE].resources
    secrets = secrets_of(snapshot)
    # What is discovered nobody tells a configuration that is complete in itself: the rest of it can be checked.
    without_files = without_files or any(not secret.WhichOneof("type") for secret in secrets.values())
    for resource in snapshot[TypeUrl.CLUSTER].resources.values():
        cluster = Cluster.FromString(resource.body)
        without_discovery(cluster)
        put_secrets_inside(cluster, secrets)
        message.static_resources.clusters.append(cluster)
    for resource in snapshot[TypeUrl.LISTENER].resources.values():
        listener = with_inline_routes(resource.body, routes, scopes)
        put_secrets_inside(listener, secrets)
        message.static_resources.listeners.append(listener)
    if without_files:
        drop_tls_files(message)
    return serialise(message) if form is FilesFormat.PB else json_bytes(message)


def secrets_of(snapshot: Snapshot) -> dict[str, Secret]:
    """The secrets of a snapshot, by name."""
    return {name: Secret.FromString(resource.body) for name, resource in snapshot[TypeUrl.SECRET].resources.items()}


def files_of(snapshot: Snapshot) -> frozenset[str]:
    """The files with certificates, keys and lists of revoked ones that Envoy must have; not the CA file of all."""
    return named_files(secrets_of(snapshot).values())


def with_inline_routes(
    listener: bytes, routes: Mapping[str, XdsResource], scopes: Mapping[str, XdsResource]
) -> Listener:
    """A rendered listener that holds its routes, of all its filter chains, instead of fetching them."""
    message = Listener.FromString(listener)
    for chain in message.filter_chains:
        for network_filter in chain.filters:
            if network_filter.name == HCM_FILTER:
                manager = HttpConnectionManager.FromString(network_filter.typed_config.value)
                put_routes_inside(manager, routes, scopes)
                network_filter.typed_config.CopyFrom(packed(manager))
    return message


def put_routes_inside(
    manager: HttpConnectionManager, routes: Mapping[str, XdsResource], scopes: Mapping[str, XdsResource]
) -> None:
    """Exchange where a connection manager fetches its routes from for the routes; both are of one oneof."""
    if manager.HasField("scoped_routes"):
        # It would fetch the scopes of all listeners; those of its own have keys that begin with its name.
        start = key_start(manager.scoped_routes.name)
        own = [resource.body for name, resource in scopes.items() if name.startswith(start)]
        inside = ScopedRouteConfigurationsList(
            scoped_route_configurations=map(ScopedRouteConfiguration.FromString, own)
        )
        for scope in inside.scoped_route_configurations:
            scope.route_configuration.validate_clusters.value = True
        if own:
            manager.scoped_routes.scoped_route_configurations_list.CopyFrom(inside)
        else:  # a list may not be empty
            manager.route_config.CopyFrom(RouteConfiguration(name=manager.scoped_routes.name))
    else:
        configuration = RouteConfiguration.FromString(routes[manager.rds.route_config_name].body)
        configuration.validate_clusters.value = True
        manager.route_config.CopyFrom(configuration)


def xds_bootstrap(
    xds_address: str,
    *,
    node_id: str = "envoy",
    node_cluster: str = "envoy",
    admin: str = ANY_ADMIN_PORT,
    probes: str = "",
    delta: bool = True,
    tls: XdsTls | None = None,
) -> bytes:
    """A configuration, as JSON, that takes everything from an ADS server.

    Args:
        xds_address: ``host:port`` of the server.
        node_id: how this Envoy introduces itself; acknowledgements are told apart by it.
        node_cluster: which group of Envoys it belongs to.
        admin: ``host:port`` of the admin interface, where port 0 takes a free one; or ``unix:PATH``.
        probes: ``host:port`` on which everybody is told whether this Envoy is ready, and its metrics; empty for none.
        delta: the incremental protocol; otherwise state of the world.
        tls: None for clear text; with it, Envoy reads `secret_files` beside this.
    """
    message = dynamic_bootstrap(node_id, node_cluster, admin, probes)
    # Envoy by itself would after 15 seconds call itself ready, with nothing to serve.
    for source in (message.dynamic_resources.cds_config, message.dynamic_resources.lds_config):
        source.CopyFrom(ads())
        source.initial_fetch_timeout.SetInParent()
    message.dynamic_resources.ads_config.CopyFrom(ads_stream(delta=delta))
    message.static_resources.clusters.append(xds_cluster(xds_address, tls))
    return json_bytes(message)


def files_bootstrap(
    directory: PurePath,
    form: FilesFormat = FilesFormat.PB,
    *,
    node_id: str = "envoy",
    node_cluster: str = "envoy",
    admin: str = ANY_ADMIN_PORT,
    probes: str = "",
) -> bytes:
    """A configuration, as JSON, that takes everything from the directory of a file target.

    Args:
        directory: the target's directory, absolute, as Envoy sees it; its files must exist when Envoy starts.
        form: the target's format.
        node_id: how this Envoy calls itself.
        node_cluster: which group of Envoys it belongs to.
        admin: ``host:port`` of the admin interface, where port 0 takes a free one; or ``unix:PATH``.
        probes: ``host:port`` on which everybody is told whether this Envoy is ready, and its metrics; empty for none.
    """
    message = dynamic_bootstrap(node_id, node_cluster, admin, probes)
    message.dynamic_resources.cds_config.CopyFrom(watched_file(directory, clusters_file(form)))
    message.dynamic_resources.lds_config.CopyFrom(watched_file(directory, listeners_file(form)))
    return json_bytes(message)


def dynamic_bootstrap(node_id: str, node_cluster: str, admin: str, probes: str) -> Bootstrap:
    """What an Envoy that fetches its configuration starts with, still without where from."""
    node = Node(id=node_id, cluster=node_cluster)
    message = Bootstrap(node=node, admin=admin_interface(admin), layered_runtime=layered_runtime())
    if probes:
        add_probes(message, probes)
    return message


def layered_runtime() -> LayeredRuntime:
    """Patterns as large as Mappings may have them, without a warning: Envoy by itself refuses more than 100.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/matcher/v3/regex.proto
    """
    keys = ("re2.max_program_size.error_level", "re2.max_program_size.warn_level")
    values = Struct(fields={key: Value(number_value=LARGEST_PATTERN) for key in keys})
    # With layers of its own Envoy leaves out the one for its admin interface, with which operators try values.
    admin = RuntimeLayer(name="admin", admin_layer=RuntimeLayer.AdminLayer())
    return LayeredRuntime(layers=[RuntimeLayer(name="reconciler", static_layer=values), admin])


def admin_interface(address: str) -> Admin:
    """Where Envoy answers its operator."""
    return Admin(address=admin_address(address))


def ads_stream(*, delta: bool) -> ApiConfigSource:
    """The one gRPC stream for all types; a server that comes back is found again within seconds, not half a minute."""
    patience = BackoffStrategy(
        base_interval=milliseconds(_RECONNECT_MS), max_interval=milliseconds(_LONGEST_RECONNECT_MS)
    )
    server = GrpcService.EnvoyGrpc(cluster_name=_XDS_CLUSTER, retry_policy=RetryPolicy(retry_back_off=patience))
    return ApiConfigSource(
        api_type=ApiConfigSource.DELTA_GRPC if delta else ApiConfigSource.GRPC,
        transport_api_version=ApiVersion.V3,
        grpc_services=[GrpcService(envoy_grpc=server)],
        set_node_on_first_message_only=True,
    )


def xds_cluster(address: str, tls: XdsTls | None = None) -> Cluster:
    """The ADS server: HTTP/2, with pings that notice a server that is gone without a word."""
    host, port = split(address)
    pings = KeepaliveSettings(interval=milliseconds(_KEEPALIVE_MS), timeout=milliseconds(_KEEPALIVE_MS // 2))
    options = HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptions.ExplicitHttpConfig(
            http2_protocol_options=Http2ProtocolOptions(connection_keepalive=pings)
        )
    )
    message = Cluster(
        name=_XDS_CLUSTER,
        type=Cluster.STATIC if is_ip(host) else Cluster.STRICT_DNS,
        connect_timeout=milliseconds(_CONNECT_TIMEOUT_MS),
        load_assignment=single_endpoint(_XDS_CLUSTER, host, port),
    )
    message.typed_extension_protocol_options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].CopyFrom(
        packed(options)
    )
    if tls is not None:
        message.transport_socket.CopyFrom(tls_socket(to_control_plane(host, tls)))
    return message


def watched_file(directory: PurePath, name: str) -> ConfigSource:
    """A file that is read again whenever something is renamed into its directory."""
    source = PathConfigSource(path=str(directory / name))
    source.watched_directory.path = str(watched(directory))
    return ConfigSource(path_config_source=source, resource_api_version=ApiVersion.V3)
