"""TCPMappings as rules of their ports."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeAlias

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.ports import RAW_TCP, TcpMappingResource
from reconciler.model.problem import Problem
from reconciler.model.resource import HostResource, ResourceId, SecurityModel
from reconciler.model.table import Cluster, Listener, TcpRoute
from reconciler.model.tls import Termination
from reconciler.table.domains import Domains
from reconciler.table.ports import tcp_problems as say
from reconciler.table.ports.terminations import Terminations
from reconciler.table.resolve.upstreams import cluster_of
from reconciler.table.shares import WHOLE, thresholds

Place: TypeAlias = tuple[str, int]  # address and port
Server: TypeAlias = tuple[HostMatch, Termination]


@dataclass(frozen=True, slots=True)
class Placed:
    """TCPMappings in their places.

    Attributes:
        listeners: all, those with TCP routes among them; by port.
        stranded: TCPMappings without a place, each with why.
        problems: findings besides.
    """

    listeners: tuple[Listener, ...]
    clusters: frozenset[Cluster]
    stranded: tuple[tuple[ResourceId, Problem], ...]
    problems: tuple[Problem, ...]


def by_name(hosts: Iterable[HostResource], terminations: Terminations) -> dict[HostMatch, Termination]:
    """How TLS ends for each name that somebody has a certificate for; what a Host says wins."""
    found = dict(reversed([*terminations.by_hosts.items()]))
    for host in hosts:
        ending = terminations.of(host.hostname, host)
        if ending is not None:
            found[host.hostname] = ending
    return found


def place(
    mappings: Sequence[TcpMappingResource],
    listeners: Sequence[Listener],
    terminations: Mapping[HostMatch, Termination],
    address: str,
) -> Placed:
    """Puts TCPMappings on the listeners of their ports; where there is none, one is made for them.

    Args:
        mappings: conflicts settled, so that the weights of a group add up.
        listeners: with their virtual hosts.
        terminations: how TLS ends for the clients of each host.
        address: where everything listens that doesn't say otherwise.
    """
    if not mappings:
        return Placed(tuple(listeners), frozenset(), (), ())
    places: dict[Place, list[TcpMappingResource]] = defaultdict(list)
    for mapping in mappings:
        places[mapping.address or address, mapping.port].append(mapping)
    opened = {(listener.address, listener.port): listener for listener in listeners if not listener.stack.udp}
    stranded: list[tuple[ResourceId, Problem]] = []
    problems: list[Problem] = []
    for where, members in sorted(places.items()):
        listener = opened.get(where) or _opened_for(where, members, address)
        routes, refused = _routes(listener, members, terminations)
        stranded += refused
        problems += say.idle_timeouts(members)
        if routes or where in opened:
            opened[where] = replace(listener, tcp_routes=routes)
    made = [*opened.values(), *(listener for listener in listeners if listener.stack.udp)]
    served = {route.id for listener in made for route in listener.tcp_routes}
    clusters = frozenset(cluster_of(m.service, m.upstream) for m in mappings if m.origin.id in served)
    order = sorted(made, key=lambda one: (one.port, one.stack.udp, one.address != address, one.address))
    return Placed(tuple(order), clusters, tuple(stranded), tuple(problems))


def _opened_for(where: Place, members: Iterable[TcpMappingResource], usual: str) -> Listener:
    """A listener for TCPMappings only; it looks for TLS if one of them names a host."""
    address, port = where
    name = f"listener-{port}" if address == usual else f"listener-{address}-{port}"
    stack = replace(RAW_TCP, tls=any(member.host is not None for member in members))
    return Listener(name, address, port, SecurityModel.SECURE, (), stack=stack)


def _routes(
    listener: Listener, members: Iterable[TcpMappingResource], terminations: Mapping[HostMatch, Termination]
) -> tuple[tuple[TcpRoute, ...], list[tuple[ResourceId, Problem]]]:
    """The rules of one port, and those without a place there."""
    groups: dict[HostMatch | None, list[TcpMappingResource]] = defaultdict(list)
    for member in members:
        groups[member.host].append(member)
    taken = {one.host for one in listener.virtual_hosts if one.termination is not None}
    routes: list[TcpRoute] = []
    refused: list[tuple[ResourceId, Problem]] = []
    # The narrowest first: of two that name a server, it is that one's.
    for host in sorted(groups, key=_narrowness):
        servers = _servers(host, terminations)
        free = tuple((name, how) for name, how in servers if name not in taken)
        why = say.misplaced(listener, host, servers, free)
        if why is not None:
            refused += [(member.origin.id, why(member)) for member in groups[host]]
            continue
        taken |= {name for name, _ in free}
        routes += _shared(groups[host], free)
    return tuple(sorted(routes, key=attrgetter("name"))), refused


def _narrowness(host: HostMatch | None) -> tuple[bool, bool, int]:
    return host is None, host is not None and host.kind is not MatchKind.EXACT, -len(host.value) if host else 0


def _servers(host: HostMatch | None, terminations: Mapping[HostMatch, Termination]) -> tuple[Server, ...]:
    """The names of ``host`` that somebody has a certificate for, sorted; the narrower of a name and a Host's."""
    if host is None:
        return ()
    found = {}
    for domain in Domains.of(terminations).reached(host):
        if host.covers(domain):
            found[domain] = terminations[domain]
        elif domain.covers(host):
            found[host] = terminations[domain]
    return tuple(sorted(((name, how) for name, how in found.items() if name.kind is not MatchKind.PREFIX), key=_named))


def _named(server: Server) -> HostMatch:
    return server[0]


def _shared(group: Sequence[TcpMappingResource], servers: tuple[Server, ...]) -> list[TcpRoute]:
    """A rule for each member, with its share of the connections."""
    idle = next((member.idle_timeout_ms for member in group if member.idle_timeout_ms is not None), None)
    routes, reached = [], 0
    for member, threshold in thresholds(group):
        upto = WHOLE if threshold is None else threshold
        origin = member.origin
        cluster = cluster_of(member.service, member.upstream).name
        share = upto - reached
        routes.append(TcpRoute(origin.id.qualified, origin.id, origin.provenance, servers, cluster, share, idle))
        reached = upto
    return routes
