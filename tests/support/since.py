"""How two compiles differ, found by looking at everything: what one that is made from the other says at once."""

from dataclasses import replace
from typing import Any

from reconciler.compile import Compiled, Since
from reconciler.model.resource import ResourceId
from reconciler.model.snapshot import TypeUrl
from reconciler.model.table import Route, RouteTable


def made_from(before: Compiled, after: Compiled) -> Compiled:
    """``after`` as if it had been made from ``before``: what is equal in both is the very same object."""
    after = replace(after, table=_sharing(before.table, after.table))
    documents = {r.origin.id: r.origin for r in before.resources}, {r.origin.id: r.origin for r in after.resources}
    changed = {name for one, other in (documents, documents[::-1]) for name in one if one[name] != other.get(name)}
    hosts = _hosts(before.table), _hosts(after.table)
    places = {place for one, other in (hosts, hosts[::-1]) for place in one if one[place] != other.get(place)}
    resources = changed | _of_groups(before.table, after.table)
    xds = {(t, name) for t in TypeUrl for name in before.snapshot[t].differing(after.snapshot[t])}
    since = Since(before.token, tuple(sorted(resources)), tuple(sorted(places)), tuple(sorted(xds)))
    return replace(after, since=since)


def _of_groups(*tables: RouteTable) -> set[ResourceId]:
    """The Mappings of all groups in which a rule differs: their shares may, too."""
    one, other = ({route.id: route for route in table.routes} for table in tables)
    asked = {
        _asks(table[name])
        for name in one.keys() | other.keys()
        for table in (one, other)
        if name in table and one.get(name) != other.get(name)
    }
    return {route.id for table in tables for route in table.routes if _asks(route) in asked}


def _asks(route: Route) -> object:
    return route.precedence, route.host, route.path, route.method, route.headers, route.query


def _hosts(table: RouteTable) -> dict[Any, Any]:
    return {(listener.name, host.host): host for listener in table.listeners for host in listener.virtual_hosts}


def _sharing(before: RouteTable, after: RouteTable) -> RouteTable:
    known = {route.id: route for route in before.routes}

    def shared(routes: tuple[Route, ...]) -> tuple[Route, ...]:
        return tuple(known[route.id] if known.get(route.id) == route else route for route in routes)

    listeners = tuple(
        replace(
            listener,
            virtual_hosts=tuple(replace(host, routes=shared(host.routes)) for host in listener.virtual_hosts),
        )
        for listener in after.listeners
    )
    return replace(after, listeners=listeners, routes=shared(after.routes))
