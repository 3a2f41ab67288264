"""The stage itself: a route table as the xDS resources that make Envoy serve it."""

from reconciler.envoy.clusters import cluster
from reconciler.envoy.listeners import listener
from reconciler.envoy.options import RenderOptions
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.route_configuration import route_configuration
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from reconciler.model.table import RouteTable


def render(table: RouteTable, options: RenderOptions) -> Snapshot:
    """What an Envoy is to hold: clusters, listeners, and one route configuration per listener.

    There are no endpoint resources: a service is one DNS name, which Envoy resolves itself.
    """
    return Snapshot.of(
        {
            TypeUrl.CLUSTER: ResourceSet.of(
                XdsResource.of(upstream.name, serialise(cluster(upstream, options))) for upstream in table.clusters
            ),
            TypeUrl.LISTENER: ResourceSet.of(
                XdsResource.of(port.name, serialise(listener(port, table.edge, options))) for port in table.listeners
            ),
            TypeUrl.ROUTE: ResourceSet.of(
                XdsResource.of(port.name, serialise(route_configuration(port))) for port in table.listeners
            ),
        }
    )
