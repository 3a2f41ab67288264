"""The part of two tables that a change touches, as two small tables: comparing those says the same as comparing all.

Of what a table was made from, all that stayed the same is there, object by object: the very same object in both tables
is left out unseen. Every rule answers on some virtual host.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import attrgetter, not_

from reconciler.model.resource import HostMatch, ResourceId
from reconciler.model.table import Cluster, Forward, Listener, Route, RouteTable, VirtualHost
from reconciler.plan.upstreams import cluster_words

_HOST = attrgetter("host")
_NAME = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Touched:
    """What a change touches.

    Attributes:
        resources: identities of the documents that differ, those of their groups among them.
        hosts: the virtual hosts whose rules differ, each as listener and host.
    """

    resources: Collection[ResourceId]
    hosts: Collection[tuple[str, HostMatch]]


def touched_part(before: RouteTable, after: RouteTable, touched: Touched) -> tuple[RouteTable, RouteTable] | None:
    """Both tables without what stayed the same; None where everything has to be looked at.

    That is so when an upstream means something else under its old name, since any route may use it, and when the
    connections of a port differ.
    """
    if before.tcp_routes != after.tcp_routes:
        return None
    new_clusters, old_clusters = _missing(after.clusters, before.clusters), _missing(before.clusters, after.clusters)
    meant = {cluster.name: cluster_words(cluster) for cluster in old_clusters}
    if any(meant.get(cluster.name, words) != words for cluster in new_clusters for words in (cluster_words(cluster),)):
        return None
    old, new = ({place: _virtual_host(table, *place) for place in touched.hosts} for table in (before, after))
    names = set(touched.resources)
    for place in touched.hosts:
        was, now = _routes(old[place]), _routes(new[place])
        names.update(route.id for route in (*_missing(was, now), *_missing(now, was)))
    routes_before, routes_after = _of(old.values(), names), _of(new.values(), names)
    _complete(routes_before, before, routes_after)
    _complete(routes_after, after, routes_before)
    return _part(before, old, routes_before), _part(after, new, routes_after)


def _missing(those: Sequence[object], others: Sequence[object]) -> list:  # type: ignore[type-arg]  # as they come
    """Those that are not among the others, the very objects."""
    there = set(map(id, others))
    return list(compress(those, map(not_, map(there.__contains__, map(id, those)))))


def _virtual_host(table: RouteTable, listener: str, host: HostMatch) -> VirtualHost | None:
    for found in table.listeners:
        if found.name == listener:
            place = bisect_left(found.virtual_hosts, host, key=_HOST)
            if place < len(found.virtual_hosts) and found.virtual_hosts[place].host == host:
                return found.virtual_hosts[place]
    return None


def _routes(host: VirtualHost | None) -> tuple[Route, ...]:
    return host.routes if host else ()


def _of(hosts: Iterable[VirtualHost | None], names: Collection[ResourceId]) -> dict[ResourceId, Route]:
    """The rules of these names, in match order: rules of one group stand on the same virtual hosts."""
    return {route.id: route for host in hosts for route in _routes(host) if route.id in names}


def _complete(found: dict[ResourceId, Route], table: RouteTable, others: dict[ResourceId, Route]) -> None:
    """Adds rules that only left the touched virtual hosts, or came to them: they answer elsewhere, as they did."""
    lonely = [route for name, route in others.items() if name not in found]
    if lonely:
        there = set(map(id, table.routes))
        found.update((route.id, route) for route in lonely if id(route) in there)


def _part(
    table: RouteTable, hosts: dict[tuple[str, HostMatch], VirtualHost | None], routes: dict[ResourceId, Route]
) -> RouteTable:
    listeners = tuple(
        _narrowed(listener, [host for (name, _), host in hosts.items() if host and name == listener.name], routes)
        for listener in table.listeners
    )
    return RouteTable(listeners, tuple(routes.values()), _clusters(table, routes.values()), table.edge)


def _narrowed(listener: Listener, hosts: Iterable[VirtualHost], names: Collection[ResourceId]) -> Listener:
    left = (replace(host, routes=tuple(route for route in host.routes if route.id in names)) for host in hosts)
    return replace(listener, virtual_hosts=tuple(sorted(left, key=_HOST)), tcp_routes=())


def _clusters(table: RouteTable, routes: Iterable[Route]) -> tuple[Cluster, ...]:
    """The upstreams that these rules name."""
    actions = [route.action for route in routes if isinstance(route.action, Forward)]
    names = {name for action in actions for name in (action.cluster, *(mirror.cluster for mirror in action.mirrors))}
    places = ((bisect_left(table.clusters, name, key=_NAME), name) for name in sorted(names))
    clusters = table.clusters
    return tuple(clusters[place] for place, name in places if place < len(clusters) and clusters[place].name == name)
