"""xDS resources as the files Envoy reads, and back to the very same resources.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#filesystem-subscriptions
"""

from collections.abc import Mapping
from pathlib import PurePath

# Imported for their registration: JSON can only show messages that are known.
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.access_loggers.file.v3 import file_pb2 as _access_log
from envoy.extensions.filters.http.router.v3 import router_pb2 as _router
from envoy.extensions.filters.listener.proxy_protocol.v3 import proxy_protocol_pb2 as _proxy_protocol
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2 as _tls_inspector
from envoy.extensions.filters.network.tcp_proxy.v3 import tcp_proxy_pb2 as _tcp_proxy
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2 as _early_headers
from envoy.extensions.transport_sockets.quic.v3 import quic_transport_pb2 as _quic
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2 as _tls
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from reconciler.apply.files_sources import by_ads, by_path, messages_in
from reconciler.model.files import FilesFormat, clusters_file, listeners_file, routes_file, scopes_file, secret_file
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

REGISTERED = (_access_log, _early_headers, _proxy_protocol, _quic, _router, _tcp_proxy, _tls, _tls_inspector)

_NAMED = {
    TypeUrl.CLUSTER: Cluster,
    TypeUrl.ENDPOINT: ClusterLoadAssignment,
    TypeUrl.LISTENER: Listener,
    TypeUrl.ROUTE: RouteConfiguration,
    TypeUrl.SCOPED_ROUTE: ScopedRouteConfiguration,
    TypeUrl.SECRET: Secret,
}
# Types of which each file holds one resource.
_ALONE = {TypeUrl.ROUTE: routes_file, TypeUrl.SECRET: secret_file}


def _make_canonical(message: Message) -> None:
    """Packs everything that is packed inside anew, map entries in key order: reading JSON leaves them in any order."""
    for inner in messages_in(message):
        if isinstance(inner, Any):
            descriptor = descriptor_pool.Default().FindMessageTypeByName(inner.TypeName())
            unpacked = message_factory.GetMessageClass(descriptor).FromString(inner.value)
            _make_canonical(unpacked)
            inner.value = _serialise(unpacked)
        else:
            _make_canonical(inner)


def encode_all(snapshot: Snapshot, directory: PurePath, form: FilesFormat) -> dict[str, bytes]:
    """A snapshot as the files of ``directory``, by name."""
    placed = by_path(snapshot, directory, form)
    files = {
        clusters_file(form): encode(TypeUrl.CLUSTER, placed[TypeUrl.CLUSTER], form),
        listeners_file(form): encode(TypeUrl.LISTENER, placed[TypeUrl.LISTENER], form),
    }
    scopes = str(directory / scopes_file(form)).encode()
    if any(scopes in listener.body for listener in placed[TypeUrl.LISTENER].resources.values()):
        # Also without any: Envoy refuses a listener that names a file that isn't there.
        files[scopes_file(form)] = encode(TypeUrl.SCOPED_ROUTE, snapshot[TypeUrl.SCOPED_ROUTE], form)
    for type_url, file in _ALONE.items():
        for name, resource in snapshot[type_url].resources.items():
            files[file(name, form)] = encode(type_url, ResourceSet.of([resource]), form)
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
    scopes = rest.pop(scopes_file(form), None)
    alone: dict[TypeUrl, list[XdsResource]] = {type_url: [] for type_url in _ALONE}
    for name, content in rest.items():
        type_url = TypeUrl.SECRET if name.startswith("sds.") else TypeUrl.ROUTE
        found = decode(type_url, content, form).resources
        if [_ALONE[type_url](resource, form) for resource in found] != [name]:
            raise ValueError(f"{name} does not hold the one resource of its name")
        alone[type_url].extend(found.values())
    sets = {type_url: ResourceSet.of(resources) for type_url, resources in alone.items()}
    if scopes is not None:
        sets[TypeUrl.SCOPED_ROUTE] = decode(TypeUrl.SCOPED_ROUTE, scopes, form)
    held = Snapshot.of({TypeUrl.CLUSTER: clusters, TypeUrl.LISTENER: listeners, **sets})
    snapshot = by_ads(held)
    if by_path(snapshot, directory, form).digest != held.digest:
        raise ValueError("a listener or a cluster takes its routes or secrets from elsewhere")
    return snapshot


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


def _serialise(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
