"""A few changed Mappings in a table that was built before: the same as building anew, at the cost of the change.

It holds for changes that concern nobody else. Where one does, or where a Mapping has a finding to its name, `rebuild`
says nothing, and the table is built anew.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.model.attachment import attachments
from reconciler.model.match import HostMatch
from reconciler.model.problem import Problem
from reconciler.model.resource import MappingResource, MatchKind
from reconciler.model.table import Cluster, Listener, Route, RouteTable, VirtualHost
from reconciler.table.ports.ports import reachable
from reconciler.table.resolve.services import unserved
from reconciler.table.resolve.settle import settle
from reconciler.table.rules import Rule, rules_of
from reconciler.table.standing import Group, Regrouping, Standing
from reconciler.table.surroundings import Surroundings
from reconciler.table.used import clusters_of, names_of

Place = tuple[str, HostMatch]  # listener and virtual host


_NAME, _RANK = attrgetter("name"), attrgetter("rank")


@dataclass(frozen=True, slots=True)
class HostEdit:
    """How rules differ, such as those of one virtual host: those that went and those that came, each sorted by rank."""

    gone: tuple[Route, ...]
    come: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A table after a change.

    Attributes:
        hosts: the virtual hosts whose rules differ, each with how, sorted.
        gone, come: clusters that it has no more, and those it has besides; sorted by name.
        uses: how much more often, or less, clusters are named.
    """

    table: RouteTable
    hosts: Mapping[Place, HostEdit]
    gone: tuple[Cluster, ...]
    come: tuple[Cluster, ...]
    uses: Counter[str]


@dataclass(frozen=True, slots=True)
class _Made:
    """One side of a change.

    Attributes:
        rules: of its groups, sorted by rank.
        mappings: theirs, with all that others say for them.
        findings: about others.
    """

    rules: Sequence[Rule]
    mappings: Sequence[MappingResource]
    findings: frozenset[Problem]

    @property
    def routes(self) -> list[Route]:
        """The routes, sorted by rank."""
        return [route for route, _ in self.rules]


def rebuild(table: RouteTable, standing: Standing, change: Regrouping) -> Rebuilt | None:
    """The table after a change, or None where it takes more than the Mappings of these groups to tell.

    Args:
        table: before the change.
        standing: what is known of it; left as it is.
        change: no group of which has a fault.
    """
    around = standing.around
    if any(chosen for _, chosen in attachments(around.documents.policies, (*change.former, *change.members))):
        return None
    old, new = _made(change.before.values(), around), _made(change.after.values(), around)
    if old is None or new is None or old.findings != new.findings:
        return None
    if any(route.policy.errors for route in (*old.routes, *new.routes)):
        return None  # whether anybody has error bodies decides about all listeners
    if not all(_stands(table.routes, route) for route in old.routes):
        return None  # it had no place, such as under a Host that can't be served, and counts for nothing
    splices = _Splices()
    listening = _listeners(table, standing, old, new, splices)
    if listening is None:
        return None
    listeners, hosts = listening
    uses = Counter(name for route in new.routes for name in names_of(route))
    uses.subtract(name for route in old.routes for name in names_of(route))
    clusters, gone, come = _clusters(table.clusters, standing, uses, new)
    routes = splices.of(table.routes, HostEdit(tuple(old.routes), tuple(new.routes)))
    return Rebuilt(replace(table, listeners=listeners, routes=routes, clusters=clusters), hosts, gone, come, uses)


def _stands(routes: Sequence[Route], route: Route) -> bool:
    """Whether a route is one of the table."""
    at = bisect_left(routes, route.rank, key=_RANK)
    return at < len(routes) and routes[at].id == route.id


def _made(groups: Iterable[Group], around: Surroundings) -> _Made | None:
    """The rules of some groups; None where a Mapping has a finding of its own, or no rule."""
    rules: list[Rule] = []
    mappings: list[MappingResource] = []
    findings: set[Problem] = set()
    for group in filter(None, groups):
        settled = settle(replace(around.documents, mappings=group, tcp_mappings=(), policies=()))
        made = rules_of(settled.mappings, around.documents, around.edge)
        names = {str(member.origin.id) for member in group}
        own = any(problem.resource in names for problem in settled.problems)
        if own or settled.stranded or made.problems or any(unserved(settled.mappings, around.edge)):
            return None
        findings.update(settled.problems)
        mappings += settled.mappings
        rules += made.rules
    return _Made(sorted(rules, key=lambda rule: rule[0].rank), mappings, frozenset(findings))


def _listeners(
    table: RouteTable, standing: Standing, old: _Made, new: _Made, splices: "_Splices"
) -> tuple[tuple[Listener, ...], dict[Place, HostEdit]] | None:
    """The listeners after a change, and where they differ; None where a rule has no place, or makes one."""
    around = standing.around
    placed: set[str] = set()
    listeners: list[Listener] = []
    edits: dict[Place, HostEdit] = {}
    for listener in table.listeners:
        left, entered = _by_host(listener, around, old), _by_host(listener, around, new)
        if left is None or entered is None:
            return None
        hosts = list(listener.virtual_hosts)
        touched = left.keys() | entered.keys()
        for name in touched:
            at = bisect_left(hosts, name, key=attrgetter("host"))
            edit = HostEdit(tuple(left.get(name, ())), tuple(entered.get(name, ())))
            hosts[at] = replace(hosts[at], routes=splices.of(hosts[at].routes, edit))
            if around.places[listener.name].by_name[name] is None and not _is_named(hosts[at]):
                return None  # without a Host a virtual host goes with the last Mapping that names it
            if reachable(listener, hosts[at]):
                placed.update(route.name for route in edit.come)
            edits[listener.name, name] = edit
        listeners.append(replace(listener, virtual_hosts=tuple(hosts)) if touched else listener)
    if any(route.name not in placed for route in new.routes):
        return None
    return tuple(listeners), {place: edits[place] for place in sorted(edits)}


def _by_host(listener: Listener, around: Surroundings, made: _Made) -> dict[HostMatch, list[Route]] | None:
    """The routes by the virtual hosts that take them; None where a Mapping names a host that is not there yet."""
    found: dict[HostMatch, list[Route]] = {}
    places = around.places.get(listener.name)
    if places is None:
        return found
    for route, mapping in made.rules:
        if around.documents.implicit and not places.names(mapping):
            return None
        for host in places.taking(route, mapping):
            found.setdefault(host, []).append(route)
    return found


def _is_named(virtual_host: VirtualHost) -> bool:
    """Whether a rule still names the virtual host itself; a regex names all hosts."""
    host = virtual_host.host
    return any(
        route.host == host or (host.kind is MatchKind.ANY and route.host.kind is MatchKind.REGEX)
        for route in virtual_host.routes
    )


def spliced(routes: tuple[Route, ...], gone: Iterable[Route], come: Iterable[Route]) -> tuple[Route, ...]:
    """Routes in match order, without some of them and with others, still in order.

    ``gone`` need not be the same objects: what has the rank and the name is meant.
    """
    changed = list(routes)
    for route in gone:
        at = bisect_left(changed, route.rank, key=_RANK)
        if at < len(changed) and changed[at].id == route.id:
            del changed[at]
    for route in come:
        changed.insert(bisect_left(changed, route.rank, key=_RANK), route)
    return tuple(changed)


class _Splices:
    """Routes after a change. Those that were alike are one value then, which is made, kept and compared only once."""

    def __init__(self) -> None:
        self._done: list[tuple[tuple[Route, ...], HostEdit, tuple[Route, ...]]] = []

    def of(self, routes: tuple[Route, ...], edit: HostEdit) -> tuple[Route, ...]:
        """Routes in match order after a change."""
        for before, done, after in self._done:
            if len(before) == len(routes) and done == edit and (before is routes or before == routes):
                return after
        after = spliced(routes, edit.gone, edit.come)
        self._done.append((routes, edit, after))
        return after


def _clusters(
    clusters: tuple[Cluster, ...], standing: Standing, uses: Counter[str], new: _Made
) -> tuple[tuple[Cluster, ...], tuple[Cluster, ...], tuple[Cluster, ...]]:
    """The clusters after a change, those that went, and those that came."""
    differing = {
        name: standing.uses[name] > 0
        for name, more in uses.items()
        if name not in standing.around.fixed_clusters and bool(standing.uses[name]) != bool(standing.uses[name] + more)
    }
    if not differing:
        return clusters, (), ()
    changed = list(clusters)
    gone = [changed[bisect_left(changed, name, key=_NAME)] for name, before in differing.items() if before]
    come = {one for one in clusters_of(new.routes, new.mappings) if differing.get(one.name) is False}
    for cluster in gone:
        del changed[bisect_left(changed, cluster.name, key=_NAME)]
    for cluster in come:
        changed.insert(bisect_left(changed, cluster.name, key=_NAME), cluster)
    return tuple(changed), tuple(sorted(gone, key=_NAME)), tuple(sorted(come, key=_NAME))
