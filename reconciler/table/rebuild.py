"""A few changed Mappings in a table that was built before: the same as building anew, at the cost of the change.

It holds for changes that concern nobody else. Where one does, or where a Mapping has a finding to its name, `rebuild`
says nothing, and the table is built anew.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter

from reconciler.model.attachment import attachments
from reconciler.model.match import HostMatch
from reconciler.model.problem import Problem
from reconciler.model.resource import MappingResource, MatchKind, ResourceId
from reconciler.model.table import Cluster, Listener, Route, RouteTable, VirtualHost
from reconciler.table.order import Rank
from reconciler.table.ports.ports import reachable
from reconciler.table.resolve.services import unserved
from reconciler.table.resolve.settle import settle
from reconciler.table.rules import Rule, rules_of
from reconciler.table.standing import Group, Regrouping, Standing
from reconciler.table.surroundings import Surroundings
from reconciler.table.used import clusters_of, names_of

Place = tuple[str, HostMatch]  # listener and virtual host


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A table after a change.

    Attributes:
        hosts: the virtual hosts whose rules differ, sorted.
        clusters: names of those that came or went, sorted.
        uses: how much more often, or less, clusters are named.
    """

    table: RouteTable
    hosts: tuple[Place, ...]
    clusters: tuple[str, ...]
    uses: Counter[str]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The rules of one group, or those of them that one virtual host takes, and where they stand among all."""

    rank: Rank
    members: frozenset[ResourceId]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """One side of a change: its groups, their Mappings with all that others say for them, and findings about others."""

    groups: Sequence[_Ranked]
    mappings: Sequence[MappingResource]
    findings: frozenset[Problem]

    @property
    def routes(self) -> list[Route]:
        """All routes."""
        return [route for group in self.groups for route, _ in group.rules]


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
    listening = _listeners(table, standing, old, new)
    if listening is None:
        return None
    listeners, hosts = listening
    uses = Counter(name for route in new.routes for name in names_of(route))
    uses.subtract(name for route in old.routes for name in names_of(route))
    clusters, differing = _clusters(table.clusters, standing, uses, new)
    routes = _spliced(table.routes, standing, old.groups, new.groups)
    return Rebuilt(replace(table, listeners=listeners, routes=routes, clusters=clusters), hosts, differing, uses)


def _made(groups: Iterable[Group], around: Surroundings) -> _Made | None:
    """The rules of some groups; None where a Mapping has a finding of its own, or no rule."""
    ranked: list[_Ranked] = []
    mappings: list[MappingResource] = []
    findings: set[Problem] = set()
    for group in filter(None, groups):
        settled = settle(replace(around.documents, mappings=group, tcp_mappings=(), policies=()))
        made = rules_of(settled.mappings, around.documents.hosts, around.edge)
        names = {str(member.origin.id) for member in group}
        own = any(problem.resource in names for problem in settled.problems)
        if own or settled.stranded or made.problems or any(unserved(settled.mappings, around.edge)):
            return None
        findings.update(settled.problems)
        mappings += settled.mappings
        members = frozenset(member.origin.id for member in group)
        ranked.append(_Ranked(Rank.of(group), members, tuple(made.rules)))
    return _Made(ranked, mappings, frozenset(findings))


def _listeners(
    table: RouteTable, standing: Standing, old: _Made, new: _Made
) -> tuple[tuple[Listener, ...], tuple[Place, ...]] | None:
    """The listeners after a change, and where they differ; None where a rule has no place, or makes one."""
    around = standing.around
    placed: set[str] = set()
    listeners: list[Listener] = []
    differing: list[Place] = []
    for listener in table.listeners:
        left, entered = _by_host(listener, around, old), _by_host(listener, around, new)
        if left is None or entered is None:
            return None
        hosts = list(listener.virtual_hosts)
        touched = left.keys() | entered.keys()
        for name in touched:
            at = bisect_left(hosts, name, key=attrgetter("host"))
            routes = _spliced(hosts[at].routes, standing, left.get(name, ()), entered.get(name, ()))
            hosts[at] = replace(hosts[at], routes=routes)
            if not around.documents.hosts and not _is_named(hosts[at]):
                return None  # without Hosts a virtual host goes with the last Mapping that names it
            if reachable(listener, hosts[at]):
                placed.update(route.name for group in entered.get(name, ()) for route, _ in group.rules)
        differing += ((listener.name, name) for name in touched)
        listeners.append(replace(listener, virtual_hosts=tuple(hosts)) if touched else listener)
    if any(route.name not in placed for route in new.routes):
        return None
    return tuple(listeners), tuple(sorted(differing))


def _by_host(listener: Listener, around: Surroundings, made: _Made) -> dict[HostMatch, list[_Ranked]] | None:
    """The groups by the virtual hosts that take them; None where a Mapping names a host that is not there yet."""
    found: dict[HostMatch, list[_Ranked]] = {}
    places = around.places.get(listener.name)
    if places is None:
        return found
    for group in made.groups:
        taken: dict[HostMatch, list[Rule]] = {}
        for route, mapping in group.rules:
            if not around.documents.hosts and not places.names(mapping):
                return None
            for host in places.taking(route, mapping):
                taken.setdefault(host, []).append((route, mapping))
        for host, rules in taken.items():
            found.setdefault(host, []).append(replace(group, rules=tuple(rules)))
    return found


def _is_named(virtual_host: VirtualHost) -> bool:
    """Whether a rule still names the virtual host itself; a regex names all hosts."""
    host = virtual_host.host
    return any(
        route.host == host or (host.kind is MatchKind.ANY and route.host.kind is MatchKind.REGEX)
        for route in virtual_host.routes
    )


def _spliced(
    routes: tuple[Route, ...], standing: Standing, gone: Iterable[_Ranked], come: Iterable[_Ranked]
) -> tuple[Route, ...]:
    """Routes in match order without those of some groups, and with those of others.

    Only routes whose groups stay are asked for their rank: `standing` knows no others.
    """
    changed = list(routes)
    for group in gone:
        end = at = bisect_left(changed, group.rank, key=standing.rank)
        while end < len(changed) and changed[end].id in group.members:
            end += 1
        del changed[at:end]
    entering = [(bisect_left(changed, group.rank, key=standing.rank), group.rank, group.rules) for group in come]
    for at, _, rules in sorted(entering, key=itemgetter(0, 1), reverse=True):
        changed[at:at] = [route for route, _ in rules]
    return tuple(changed)


def _clusters(
    clusters: tuple[Cluster, ...], standing: Standing, uses: Counter[str], new: _Made
) -> tuple[tuple[Cluster, ...], tuple[str, ...]]:
    """The clusters after a change, and the names of those that came or went."""
    come: set[str] = set()
    gone: set[str] = set()
    for name, more in uses.items():
        before = standing.uses[name]
        if name not in standing.around.fixed_clusters and bool(before) != bool(before + more):
            (gone if before else come).add(name)
    changed = list(clusters)
    for name in gone:
        del changed[bisect_left(changed, name, key=attrgetter("name"))]
    for cluster in {cluster for cluster in clusters_of(new.routes, new.mappings) if cluster.name in come}:
        changed.insert(bisect_left(changed, cluster.name, key=attrgetter("name")), cluster)
    return tuple(changed), tuple(sorted(come | gone))
