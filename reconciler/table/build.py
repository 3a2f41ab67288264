"""Resources → RouteTable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from reconciler.model.problem import Problem, rank
from reconciler.model.resource import HostResource, MappingResource, Resource, ResourceId
from reconciler.model.table import RouteTable
from reconciler.table.attach import unattached
from reconciler.table.documents import Documents
from reconciler.table.ports.listening import listening, placed, port_problems
from reconciler.table.ports.ports import DefaultListener, serves
from reconciler.table.ports.tcp import by_name, place
from reconciler.table.ports.terminations import Terminations, terminations
from reconciler.table.ports.tls_contexts import Lends, lend_all
from reconciler.table.resolve.services import place_services, unserved
from reconciler.table.resolve.settle import settle
from reconciler.table.rules import rules_of
from reconciler.table.surroundings import Surroundings
from reconciler.table.used import clusters_of


@dataclass(frozen=True, slots=True)
class Built:
    """The table, and what could not go into it.

    Attributes:
        problems: all findings, those of ``stranded`` among them.
        surroundings: what the Mappings were placed in.
        stranded: Mappings that no virtual host takes, TCPMappings that no port does, and services that cannot be
            reached as they ask, each with why.
    """

    table: RouteTable
    problems: tuple[Problem, ...]
    stranded: tuple[tuple[ResourceId, Problem], ...] = ()
    surroundings: Surroundings | None = field(default=None, compare=False, repr=False)


DEFAULT_LISTENER = DefaultListener()


def build(
    resources: Sequence[Resource],
    *,
    default_listener: DefaultListener = DEFAULT_LISTENER,
    endpoints_watched: bool = False,
    platform_namespaces: Sequence[str] = (),
    lends: Lends = lend_all,
) -> Built:
    """The route table of merged resources; the same for every order of them.

    Without any Host every host named by a Mapping is served. With Hosts only theirs are: a Mapping attaches to the
    Hosts that take it (`HostResource.takes`), at the Listeners that bind those; one that attaches nowhere is a
    Problem and has no rule. With Hosts of guests alone both are served.

    Args:
        resources: one per identity, conflicts settled (what ``merge`` returns).
        default_listener: address of every listener, and the port where there is no Listener.
        endpoints_watched: see `Documents`.
        platform_namespaces: those whose objects may speak for everybody; ``*`` for all.
        lends: who may use whose TLSContexts.
    """
    documents = Documents.of(
        resources, endpoints_watched=endpoints_watched, platform_namespaces=platform_namespaces, lends=lends
    )
    hosts = documents.hosts
    settled = settle(documents)
    services = place_services(documents)
    endings = terminations(hosts, documents.contexts)

    made = rules_of(settled.mappings, documents, services.edge)
    ports = listening(made.rules, documents, endings, services.edge, default_listener)
    tcp = place(settled.tcp_mappings, ports.listeners, by_name(hosts, endings), default_listener.address)

    there = placed(ports.listeners)
    routes = tuple(route for route, _ in made.rules if route.name in there)
    elsewhere = [mapping for route, mapping in made.rules if route.name not in there]
    homeless = _homeless(elsewhere, hosts, endings)
    stranded = (*homeless, *tcp.stranded, *services.stranded, *settled.stranded, *endings.stranded)
    problems = [*made.problems, *settled.problems, *tcp.problems, *unserved(settled.mappings, services.edge)]
    problems += port_problems(tcp.listeners, documents, endings)
    problems += (problem for _, problem in stranded)

    fixed = {*tcp.clusters, *services.clusters}
    clusters = {*clusters_of(routes, settled.mappings), *fixed}
    table = RouteTable(
        listeners=tuple(listener for listener in tcp.listeners if serves(listener)),
        routes=routes,
        clusters=tuple(sorted(clusters, key=attrgetter("name"))),
        edge=replace(services.edge, own_error_bodies=any(route.policy.errors for route in routes)),
    )
    names = frozenset(cluster.name for cluster in fixed)
    around = Surroundings(replace(documents, mappings=()), services.edge, ports.places, names)
    return Built(table, tuple(sorted(problems, key=rank)), stranded, around)


def _homeless(
    mappings: Iterable[MappingResource], hosts: Sequence[HostResource], endings: Terminations
) -> Iterator[tuple[ResourceId, Problem]]:
    """The Mappings that have no place for a reason of their own, and not because their Host can't be served."""
    dark = [host for host in hosts if host.origin.id in endings.dark]
    lost = [mapping for mapping in mappings if not any(host.takes(mapping) for host in dark)]
    return zip((mapping.origin.id for mapping in lost), unattached(lost, hosts), strict=True)
