"""Compares what is served with what is desired: routes, listeners and virtual hosts, xDS resources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from reconciler.model.edge import Edge
from reconciler.model.origin import Attached
from reconciler.model.plan import Change, EdgeChange, FieldChange, HostChange, Op, Plan, ResourceChange
from reconciler.model.resource import ResourceId
from reconciler.model.snapshot import Snapshot, TypeUrl
from reconciler.model.table import Route, RouteTable, VirtualHost
from reconciler.plan.edge_fields import sentence, services_of
from reconciler.plan.fields import Fields, Wording, guard_fields, listener_fields
from reconciler.plan.http_fields import SETTINGS, http_fields, http_sentence
from reconciler.plan.part import Touched, touched_part
from reconciler.plan.refuse import BlastRadius, Reach, deletes, explain, is_allowed, plan_digest, reasons
from reconciler.plan.tcp_fields import tcp_wording
from reconciler.plan.tls_fields import termination_fields

Place = tuple[str, str]  # listener, and virtual host or "" for the listener itself


def diff(
    before: RouteTable,
    after: RouteTable,
    before_snapshot: Snapshot,
    after_snapshot: Snapshot,
    *,
    fast_forward: bool | None,
    blast_radius: BlastRadius,
    allowed: str = "",
    unguarded: tuple[str, ...] = (),
    touched: Touched | None = None,
) -> Plan:
    """What would change, as routing and as xDS resources, and whether it is refused.

    Args:
        before: the table that is served.
        after: the table that is desired.
        before_snapshot: what `before` rendered to.
        after_snapshot: what `after` rendered to.
        fast_forward: whether the commit served is an ancestor of the one desired; None when there is no answer.
        blast_radius: limits on deletion.
        allowed: the digest, or at least 12 hex digits of it, of the one plan whose refusals are lifted.
        unguarded: broken documents that were to guard every request, and nothing of their kind is in `after`.
        touched: what differs, where `after` was made from `before`: saves looking at the rest.
    """
    old, new = (touched and touched_part(before, after, touched)) or (before, after)
    changes = tuple(sorted((*_route_changes(old, new), *_tcp_changes(old, new)), key=attrgetter("id")))
    hosts = tuple(_host_changes(old, new))
    edge = tuple(edge_changes(before.edge, after.edge))
    resources = tuple(sorted(_resource_changes(before_snapshot, after_snapshot)))
    # A rule that left all of the touched virtual hosts may still answer elsewhere.
    silenced = _silenced(old, new) and _silenced(before, after)
    reach = Reach(_count(before), _count(after) - silenced, deletes(changes) + silenced, fast_forward)
    if changes or hosts or edge or resources:
        reach = replace(reach, unguarded=unguarded)
    refused = reasons(reach, blast_radius)
    digest = plan_digest(before_snapshot.digest, after_snapshot.digest, changes, hosts, refused, reach.unguarded)
    refusals = tuple(explain(reason, reach, blast_radius, digest) for reason in refused)
    lifted = is_allowed(allowed, digest)
    return Plan(
        changes=changes,
        resources=resources,
        before=before_snapshot.digest,
        after=after_snapshot.digest,
        routes_before=reach.routes_before,
        routes_after=_count(after),
        refusals=() if lifted else refusals,
        digest=digest,
        hosts=hosts,
        edge=edge,
        lifted=refusals if lifted else (),
    )


def _route_changes(before: RouteTable, after: RouteTable) -> Iterator[Change]:
    if before is after:
        return
    old, new = Wording(before), Wording(after)
    same_upstreams = all(new.addresses.get(name, address) == address for name, address in old.addresses.items())
    for name in sorted(old.routes.keys() | new.routes.keys()):
        if same_upstreams and old.facts(name) == new.facts(name):
            continue
        fields = _field_changes(old.fields(name), new.fields(name))
        if fields:
            was, now = old.routes.get(name), new.routes.get(name)
            yield Change(
                _op(was is not None, now is not None),
                name,
                fields,
                was[0].provenance if was else None,
                now[0].provenance if now else None,
                _policies(now or ()) or _policies(was or ()),
            )


def _policies(routes: Sequence[Route]) -> tuple[Attached, ...]:
    return routes[0].policies if routes else ()


def _tcp_changes(before: RouteTable, after: RouteTable) -> Iterator[Change]:
    old, new = (tcp_wording(table, Wording(table).addresses) if table.tcp_routes else {} for table in (before, after))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        fields = _field_changes(was.fields if was else {}, now.fields if now else {})
        if fields:
            before_at, after_at = was.provenance if was else None, now.provenance if now else None
            yield Change(_op(was is not None, now is not None), name, fields, before_at, after_at)


def _host_changes(before: RouteTable, after: RouteTable) -> Iterator[HostChange]:
    if before.listeners == after.listeners:
        return
    old, new = _places(before), _places(after)
    members_before, members_after = _members(before), _members(after)
    stay = {route.id for route in before.routes} & {route.id for route in after.routes}
    for place in sorted(old.keys() | new.keys()):
        fields = _field_changes(old.get(place, {}), new.get(place, {}))
        was, now = members_before.get(place, {}), members_after.get(place, {})
        gained = tuple(sorted(now[name] for name in (now.keys() - was.keys()) & stay))
        lost = tuple(sorted(was[name] for name in (was.keys() - now.keys()) & stay))
        if (place in old) != (place in new) or fields or gained or lost:
            yield HostChange(_op(place in old, place in new), *place, fields, gained, lost)


def edge_changes(before: Edge, after: Edge) -> Iterator[EdgeChange]:
    """What changes in the services that requests are shown to, and in the settings of all listeners."""
    if before == after:
        return
    old, new = services_of(before), services_of(after)
    for kind, name in sorted(old.keys() | new.keys()):
        was, now = old.get((kind, name)), new.get((kind, name))
        fields = _field_changes(was or {}, now or {})
        if fields:
            op = _op(was is not None, now is not None)
            replaced = op is Op.DELETE and any(other == kind for other, _ in new)
            yield EdgeChange(op, f"{kind} {name}", fields, "" if replaced else sentence(kind, op))
    settings = _field_changes(http_fields(before.http), http_fields(after.http))
    if settings:
        yield EdgeChange(Op.UPDATE, SETTINGS, settings, http_sentence(before.http, after.http))


def _silenced(before: RouteTable, after: RouteTable) -> int:
    """How many routes are still there but answer on no virtual host any more: as bad as deleted."""
    if before.listeners == after.listeners:
        return 0
    answered, answers = (
        {name for members in _members(table).values() for name in members} for table in (before, after)
    )
    return len((answered - answers) & {route.id for route in after.routes})


def _resource_changes(before: Snapshot, after: Snapshot) -> Iterator[ResourceChange]:
    for type_url in TypeUrl:
        old, new = before[type_url], after[type_url]
        if old.version == new.version:
            continue
        for name in old.differing(new):
            yield ResourceChange(str(type_url), name, _op(name in old.resources, name in new.resources))


def _field_changes(old: Fields, new: Fields) -> tuple[FieldChange, ...]:
    names = list(dict.fromkeys((*new, *old)))
    return tuple(
        FieldChange(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)
    )


def _op(was: bool, now: bool) -> Op:
    if was and now:
        return Op.UPDATE
    return Op.CREATE if now else Op.DELETE


def _count(table: RouteTable) -> int:
    # A Mapping has one rule, so that ten thousand need not be looked at.
    return len(table.routes) + len({route.id for route in table.tcp_routes})


def _places(table: RouteTable) -> dict[Place, Fields]:
    places: dict[Place, Fields] = {}
    for listener in table.listeners:
        places[listener.name, ""] = listener_fields(listener)
        for host in listener.virtual_hosts:
            places[listener.name, str(host.host)] = guard_fields(host.guard) | termination_fields(host.termination)
    return places


def _members(table: RouteTable) -> Mapping[Place, Mapping[ResourceId, str]]:
    return {
        (listener.name, str(host.host)): _names(host) for listener in table.listeners for host in listener.virtual_hosts
    }


def _names(host: VirtualHost) -> dict[ResourceId, str]:
    return {route.id: route.name for route in host.routes}
