"""Resources that take others from files of a directory, where they would take them from ADS; and back."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import TypeAlias

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource, PathConfigSource
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    Rds,
    ScopedRds,
)
from envoy.extensions.transport_sockets.quic.v3.quic_transport_pb2 import QuicDownstreamTransport
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import SdsSecretConfig
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext, UpstreamTlsContext
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from reconciler.model.files import FilesFormat, routes_file, scopes_file, secret_file, watched
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

# Where a resource takes one from: by its type and name, which is empty where it takes all.
Source: TypeAlias = Callable[[TypeUrl, str], ConfigSource]

_REFERRING = (HttpConnectionManager, DownstreamTlsContext, UpstreamTlsContext, QuicDownstreamTransport)
_REFERRING_TYPES = {kind.DESCRIPTOR.full_name: kind for kind in _REFERRING}
_TLS = UpstreamTlsContext.DESCRIPTOR.full_name.encode()


def by_path(snapshot: Snapshot, directory: PurePath, form: FilesFormat) -> Snapshot:
    """A snapshot whose listeners and clusters take routes and secrets from files of ``directory``."""

    def source(type_url: TypeUrl, name: str) -> ConfigSource:
        file = PathConfigSource(path=str(directory / _file(type_url, name, form)))
        file.watched_directory.path = str(watched(directory))
        return ConfigSource(path_config_source=file, resource_api_version=ApiVersion.V3)

    return _rerouted(snapshot, source)


def _file(type_url: TypeUrl, name: str, form: FilesFormat) -> str:
    match type_url:
        case TypeUrl.SCOPED_ROUTE:
            return scopes_file(form)
        case TypeUrl.ROUTE:
            return routes_file(name, form)
        case _:
            return secret_file(name, form)


def by_ads(snapshot: Snapshot) -> Snapshot:
    """The inverse of `by_path`."""
    return _rerouted(
        snapshot,
        lambda _type, _name: ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3),
    )


def _rerouted(snapshot: Snapshot, source: Source) -> Snapshot:
    listeners = snapshot[TypeUrl.LISTENER].resources.values()
    moved = {TypeUrl.LISTENER: ResourceSet.of(_listener(resource, source) for resource in listeners)}
    if snapshot[TypeUrl.SECRET].resources:  # without any, no cluster names one
        clusters = snapshot[TypeUrl.CLUSTER].resources.values()
        moved[TypeUrl.CLUSTER] = ResourceSet.of(_cluster(resource, source) for resource in clusters)
    return Snapshot.of({**snapshot.sets, **moved})


def _listener(resource: XdsResource, source: Source) -> XdsResource:
    message = Listener.FromString(resource.body)
    _redirect(message, source)
    return XdsResource.of(resource.name, _serialise(message))


def _cluster(resource: XdsResource, source: Source) -> XdsResource:
    if _TLS not in resource.body:
        return resource
    message = Cluster.FromString(resource.body)
    _redirect(message, source)
    return XdsResource.of(resource.name, _serialise(message))


def _redirect(message: Message, source: Source) -> bool:
    """Exchanges every source in a message; whether there was any."""
    match message:
        case Rds():
            message.config_source.CopyFrom(source(TypeUrl.ROUTE, message.route_config_name))
            return True
        case ScopedRds():
            message.scoped_rds_config_source.CopyFrom(source(TypeUrl.SCOPED_ROUTE, ""))
            return True
        case SdsSecretConfig():
            message.sds_config.CopyFrom(source(TypeUrl.SECRET, message.name))
            return True
        case Any():
            kind = _REFERRING_TYPES.get(message.TypeName())
            inner = kind.FromString(message.value) if kind else None
            if inner is None or not _redirect(inner, source):
                return False
            message.value = _serialise(inner)
            return True
    found = [_redirect(inner, source) for inner in messages_in(message)]  # all of them, whatever the first says
    return any(found)


def messages_in(message: Message) -> Iterator[Message]:
    """The messages directly inside one."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        values = value.values() if isinstance(value, Mapping) else value if field.is_repeated else (value,)
        yield from (each for each in values if isinstance(each, Message))


def _serialise(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
