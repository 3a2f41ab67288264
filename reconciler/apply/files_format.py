"""xDS resources as the files Envoy reads, and back to the very same resources.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#filesystem-subscriptions
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath

# Imported for their registration: JSON can only show messages that are known.
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource, PathConfigSource
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.access_loggers.file.v3 import file_pb2 as _access_log
from envoy.extensions.filters.http.router.v3 import router_pb2 as _router
from envoy.extensions.filters.listener.proxy_protocol.v3 import proxy_protocol_pb2 as _proxy_protocol
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2 as _tls_inspector
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2 as _tcp_proxy
from envoy.extensions.transport_sockets.quic.v3 import quic_transport_pb2 as _quic
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2 as _tls
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from reconciler.model.files import FilesFormat, clusters_file, listeners_file, routes_file
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

REGISTERED = (_access_log, _proxy_protocol, _quic, _router, _tcp_proxy, _tls, _tls_inspector)

_NAMED = {
    TypeUrl.CLUSTER: Cluster,
    TypeUrl.ENDPOINT: ClusterLoadAssignment,
    TypeUrl.LISTENER: Listener,
    TypeUrl.ROUTE: RouteConfiguration,
}


def _make_canonical(message: Message) -> None:
    """Packs everything that is packed inside anew, map entries in key order: reading JSON leaves them in any order."""
    for inner in _messages_in(message):
        if isinstance(inner, Any):
            descriptor = descriptor_pool.Default().FindMessageTypeByName(inner.TypeName())
            unpacked = message_factory.GetMessageClass(descriptor).FromString(inner.value)
            _make_canonical(unpacked)
            inner.value = _serialise(unpacked)
        else:
            _make_canonical(inner)


def _messages_in(message: Message) -> Iterator[Message]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        values = value.values() if isinstance(value, Mapping) else value if field.is_repeated else (value,)
        yield from (each for each in values if isinstance(each, Message))


def encode_all(snapshot: Snapshot, directory: PurePath, form: FilesFormat) -> dict[str, bytes]:
    """A snapshot as the files of ``directory``, by name."""
    listeners = by_path(snapshot[TypeUrl.LISTENER], directory, form)
    files = {
        clusters_file(form): encode(TypeUrl.CLUSTER, snapshot[TypeUrl.CLUSTER], form),
        listeners_file(form): encode(TypeUrl.LISTENER, listeners, form),
    }
    for name, resource in snapshot[TypeUrl.ROUTE].resources.items():
        files[routes_file(name, form)] = encode(TypeUrl.ROUTE, ResourceSet.of([resource]), form)
    return files


def decode_all(files: Mapping[str, bytes], directory: PurePath, form: FilesFormat) -> Snapshot:
    """The inverse of `encode_all`.

    Raises:
        ValueError: a file is missing or broken, or holds what `encode_all` would not put there.
    """
    rest = dict(files)
    try:
        clusters = decode(TypeUrl.CLUSTER, rest.pop(clusters_file(form)), form)
        listeners = decode(TypeUrl.LISTENER, rest.pop(listeners_file(form)), form)
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from error
    sets = {TypeUrl.CLUSTER: clusters, TypeUrl.LISTENER: by_ads(listeners)}
    if by_path(sets[TypeUrl.LISTENER], directory, form).version != listeners.version:
        raise ValueError("a listener takes its routes from elsewhere")
    routes: list[XdsResource] = []
    for name, content in rest.items():
        found = decode(TypeUrl.ROUTE, content, form).resources
        if [routes_file(resource, form) for resource in found] != [name]:
            raise ValueError(f"{name} does not hold the one route configuration of its name")
        routes.extend(found.values())
    return Snapshot.of(sets | {TypeUrl.ROUTE: ResourceSet.of(routes)})


def encode(type_url: TypeUrl, resources: ResourceSet, form: FilesFormat) -> bytes:
    """The content of one file: a ``DiscoveryResponse`` whose version is the set's digest."""
    response = DiscoveryResponse(
        version_info=resources.version,
        type_url=type_url,
        resources=[Any(type_url=type_url, value=resource.body) for resource in resources.resources.values()],
    )
    if form is FilesFormat.PB:
        return _serialise(response)
    text = json_format.MessageToJson(response, preserving_proto_field_name=True, sort_keys=True, indent=None)
    return (text + "\n").encode()


def decode(type_url: TypeUrl, content: bytes, form: FilesFormat) -> ResourceSet:
    """What a file holds, by its resources alone: its version is computed, not believed.

    Raises:
        ValueError: the content is not a ``DiscoveryResponse`` of that type.
    """
    response = DiscoveryResponse()
    try:
        if form is FilesFormat.PB:
            response.ParseFromString(content)
        else:
            json_format.Parse(content, response)
            _make_canonical(response)
        found = [_resource(type_url, packed) for packed in response.resources]
    except (DecodeError, json_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"not a discovery response of {type_url}") from error
    return ResourceSet.of(found)


def _resource(type_url: TypeUrl, packed: Any) -> XdsResource:
    if packed.type_url != type_url:
        raise ValueError(f"expected {type_url}, got {packed.type_url}")
    message = _NAMED[type_url].FromString(packed.value)
    return XdsResource.of(getattr(message, "cluster_name", "") or message.name, packed.value)


def by_path(listeners: ResourceSet, directory: PurePath, form: FilesFormat) -> ResourceSet:
    """Listeners that take their routes from files of ``directory`` instead of from ADS."""
    return ResourceSet.of(_rerouted(r, directory, form) for r in listeners.resources.values())


def by_ads(listeners: ResourceSet) -> ResourceSet:
    """The inverse of `by_path`."""
    return ResourceSet.of(_rerouted(r, None, FilesFormat.PB) for r in listeners.resources.values())


def _rerouted(resource: XdsResource, directory: PurePath | None, form: FilesFormat) -> XdsResource:
    listener = Listener.FromString(resource.body)
    for chain in listener.filter_chains:
        for network_filter in chain.filters:
            if not network_filter.typed_config.Is(HttpConnectionManager.DESCRIPTOR):
                continue
            manager = HttpConnectionManager.FromString(network_filter.typed_config.value)
            if manager.HasField("rds"):
                source = _watched(directory, routes_file(manager.rds.route_config_name, form)) if directory else _ads()
                manager.rds.config_source.CopyFrom(source)
                network_filter.typed_config.value = _serialise(manager)
    return XdsResource.of(resource.name, _serialise(listener))


def _watched(directory: PurePath, name: str) -> ConfigSource:
    source = PathConfigSource(path=str(directory / name))
    source.watched_directory.path = str(directory)
    return ConfigSource(path_config_source=source, resource_api_version=ApiVersion.V3)


def _ads() -> ConfigSource:
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def _serialise(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
