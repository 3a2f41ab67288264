"""The stage itself: a route table as the xDS resources that make Envoy serve it."""

from collections.abc import Iterable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from reconciler.envoy.clusters.cluster import cluster
from reconciler.envoy.listeners.listener import listener
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.configuration import route_configurations
from reconciler.envoy.tls.secrets import secret_named
from reconciler.envoy.tls.sockets import secret_names
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from reconciler.model.table import RouteTable


def render(table: RouteTable, options: RenderOptions) -> Snapshot:
    """What an Envoy is to hold: clusters, listeners, the secrets these name, and route configurations per listener.

    There are no endpoint resources: a service is one DNS name, which Envoy resolves itself.
    """
    clusters = [cluster(upstream, options) for upstream in table.clusters]
    listeners = [listener(port, table.edge, options) for port in table.listeners]
    secrets = {name for message in (*clusters, *listeners) for name in secret_names(message)}
    return Snapshot.of(
        {
            TypeUrl.CLUSTER: _resources(clusters),
            TypeUrl.LISTENER: _resources(listeners),
            TypeUrl.SECRET: _resources(secret_named(name, options) for name in secrets),
            TypeUrl.ROUTE: ResourceSet.of(
                routes
                for port in table.listeners
                for routes in route_configurations(port, table.edge.http.probes, options.routing)
            ),
        }
    )


def _resources(messages: Iterable[Cluster | Listener | Secret]) -> ResourceSet:
    return ResourceSet.of(XdsResource.of(message.name, serialise(message)) for message in messages)
