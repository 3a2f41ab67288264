"""The clusters that routes name."""

from collections.abc import Iterable, Iterator

from reconciler.model.resource import MappingResource
from reconciler.model.table import Cluster, Forward, Route
from reconciler.table.resolve.upstreams import cluster_of


def names_of(route: Route) -> Iterator[str]:
    """The clusters one route names, that of its service and those of its mirrors."""
    if isinstance(route.action, Forward):
        yield route.action.cluster
        for mirror in route.action.mirrors:
            yield mirror.cluster


def clusters_of(routes: Iterable[Route], mappings: Iterable[MappingResource]) -> Iterator[Cluster]:
    """The clusters some routes name.

    Args:
        routes: the routes.
        mappings: what they were made of; others may be among them.
    """
    names = {name for route in routes for name in names_of(route)}
    upstreams = {(mapping.service, mapping.upstream) for mapping in mappings if mapping.service is not None}
    clusters = (cluster_of(address, upstream) for address, upstream in upstreams)
    return (cluster for cluster in clusters if cluster.name in names)
