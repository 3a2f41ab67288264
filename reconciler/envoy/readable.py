"""Rendered resources for people: JSON with Envoy's own field names, the same text for the same resource.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""

import json
from types import MappingProxyType

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from reconciler.model.digest import Json
from reconciler.model.snapshot import Snapshot, TypeUrl, XdsResource

_MESSAGES = MappingProxyType(
    {
        TypeUrl.CLUSTER: Cluster,
        TypeUrl.ENDPOINT: ClusterLoadAssignment,
        TypeUrl.LISTENER: Listener,
        TypeUrl.ROUTE: RouteConfiguration,
        TypeUrl.SCOPED_ROUTE: ScopedRouteConfiguration,
        TypeUrl.SECRET: Secret,
    }
)


def to_json(resource: XdsResource, type_url: TypeUrl) -> Json:
    """A resource as a JSON value in Envoy's spelling, keys sorted."""
    return as_value(_MESSAGES[type_url].FromString(resource.body))


def snapshot_json(snapshot: Snapshot) -> Json:
    """All resources of a snapshot by short type name (``Cluster``), each list in name order."""
    return {
        type_url.rpartition(".")[2]: [to_json(resource, type_url) for resource in snapshot[type_url].resources.values()]
        for type_url in TypeUrl
    }


def as_value(message: Message) -> Json:
    """A message as a JSON value, keys sorted."""
    ordered: Json = json.loads(json_bytes(message))
    return ordered


def json_bytes(message: Message) -> bytes:
    """A message as JSON text, keys sorted, with a newline at its end."""
    value = MessageToDict(message, preserving_proto_field_name=True)
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
