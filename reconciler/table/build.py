"""Resources → RouteTable."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.model.edge import Edge
from reconciler.model.module import NO_DEFAULTS
from reconciler.model.problem import Code, Problem, Severity, rank
from reconciler.model.resource import (
    ANY_HOST,
    Contest,
    HostResource,
    ListenerResource,
    MappingResource,
    Resource,
    ResourceId,
    TcpMappingResource,
    contest,
)
from reconciler.model.table import Action, Cluster, Forward, Route, RouteTable
from reconciler.table.actions import action_of, mirrors_of
from reconciler.table.attach import unattached, virtual_hosts
from reconciler.table.order import in_match_order
from reconciler.table.policies import differing, policy_of
from reconciler.table.ports.module_ports import default_port, redirecting, speaking_proxy, unheard
from reconciler.table.ports.port_problems import around_listeners
from reconciler.table.ports.ports import DefaultListener, bind, reachable, serves, unwritten
from reconciler.table.ports.tcp import by_name, place
from reconciler.table.ports.terminations import terminations
from reconciler.table.ports.tls_contexts import TlsContexts, speaking_tls
from reconciler.table.ports.tls_redirects import sent_to_tls, unheard_redirects
from reconciler.table.resolve.balancing_notes import balancing_notes
from reconciler.table.resolve.defaults import edge_of, module_of, with_defaults
from reconciler.table.resolve.mapping_policies import PolicyWorld, with_policies
from reconciler.table.resolve.references import References, resolved, resolved_tcp
from reconciler.table.resolve.services import ServiceResource, effective_policy, past_auth, place_services, unserved
from reconciler.table.resolve.upstreams import cluster_of
from reconciler.table.shares import thresholds


@dataclass(frozen=True, slots=True)
class Built:
    """The table, and what could not go into it.

    Attributes:
        problems: all findings, those of ``stranded`` among them.
        stranded: Mappings that no virtual host takes, TCPMappings that no port does, and services that cannot be
            reached as they ask, each with why.
    """

    table: RouteTable
    problems: tuple[Problem, ...]
    stranded: tuple[tuple[ResourceId, Problem], ...] = ()


DEFAULT_LISTENER = DefaultListener()


def build(resources: Sequence[Resource], *, default_listener: DefaultListener = DEFAULT_LISTENER) -> Built:
    """The route table of merged resources; the same for every order of them.

    Without any Host every host named by a Mapping is served. With Hosts only theirs are: a Mapping attaches to the
    Hosts that take it (`HostResource.takes`), at the Listeners that bind those; one that attaches nowhere is a
    Problem and has no rule.

    Args:
        resources: one per identity, conflicts settled (what ``merge`` returns).
        default_listener: address of every listener, and the port where there is no Listener.
    """
    ordered = sorted(resources, key=attrgetter("origin.id.kind", "origin.id.namespace", "origin.id.name"))
    module = module_of(ordered)
    references = References.of(ordered)
    named = resolved(
        with_defaults([resource for resource in ordered if isinstance(resource, MappingResource)], module), references
    )
    contexts = TlsContexts.of(ordered, split_names=module.split_secret_names if module else True)
    mappings, insecure = speaking_tls(named.mappings, contexts)
    mappings, from_policies = with_policies(mappings, PolicyWorld.of(ordered, contexts))
    hosts = [resource for resource in ordered if isinstance(resource, HostResource)]
    opened = [resource for resource in ordered if isinstance(resource, ListenerResource)]
    tcp_mappings, lost = resolved_tcp(
        [resource for resource in ordered if isinstance(resource, TcpMappingResource)],
        references,
        module.defaults.resolver if module else "",
    )
    tcp_mappings, insecure_tcp = speaking_tls(tcp_mappings, contexts)
    endings = terminations(hosts, contexts)
    bindings = speaking_proxy(bind(opened, hosts, default_port(default_listener, module)), opened, module)

    services = [resource for resource in ordered if isinstance(resource, ServiceResource)]
    edge = place_services(edge_of(module), services, contexts, references, module.defaults if module else NO_DEFAULTS)
    rules, problems = _rules(mappings, hosts, edge.edge)
    listeners = []
    placed: set[str] = set()
    for listener, bound in bindings:
        if not listener.stack.http:
            listeners.append(listener)
            continue
        found = virtual_hosts(rules, bound if hosts else None, listener.security_model, endings)
        if not hosts:
            found = redirecting(sent_to_tls(found, listener, contexts.all), module)
        placed.update(route.name for one in found if reachable(listener, one) for route in one.routes)
        port = replace(listener, virtual_hosts=past_auth(found, edge.edge))
        listeners.append(port if opened else unwritten(port))

    tcp = place(tcp_mappings, listeners, by_name(hosts, endings), default_listener.address)
    lit = [host for host in hosts if host.origin.id not in endings.dark]
    problems += (*around_listeners(tcp.listeners, opened, lit), *tcp.problems)
    routes = tuple(route for route, _ in rules if route.name in placed)
    dark = [host for host in hosts if host.origin.id in endings.dark]
    homeless = [m for route, m in rules if route.name not in placed and not any(host.takes(m) for host in dark)]
    stranded = tuple(zip((mapping.origin.id for mapping in homeless), unattached(homeless, hosts), strict=True))
    stranded += (*tcp.stranded, *edge.stranded, *named.stranded, *lost)
    stranded += (*endings.stranded, *insecure, *insecure_tcp)
    problems += (problem for _, problem in stranded)
    problems += from_policies
    problems += unheard(module, listeners=bool(opened), hosts=bool(hosts))
    problems += unheard_redirects(contexts.all, tcp.listeners, hosts=bool(hosts))
    problems += (*endings.problems, *unserved(mappings, edge.edge), *balancing_notes(mappings, module))
    shared = replace(edge.edge, own_error_bodies=any(route.policy.errors for route in routes))
    clusters = tuple(sorted({*_clusters(routes, mappings), *tcp.clusters, *edge.clusters}, key=attrgetter("name")))
    served = tuple(listener for listener in tcp.listeners if serves(listener))
    return Built(RouteTable(served, routes, clusters, shared), tuple(sorted(problems, key=rank)), stranded)


def _rules(
    mappings: Sequence[MappingResource], hosts: Sequence[HostResource], edge: Edge
) -> tuple[list[tuple[Route, MappingResource]], list[Problem]]:
    """All rules in match order, each with its Mapping; shadows have gone into the rules of their group."""
    selecting = [host for host in hosts if host.mapping_selector is not None]
    groups: dict[Contest, list[MappingResource]] = defaultdict(list)
    for mapping in mappings:
        groups[contest(mapping, selecting)].append(mapping)
    rules: list[tuple[Route, MappingResource]] = []
    problems: list[Problem] = []
    for group in in_match_order(groups.values()):
        shadows = [member for member in group if member.shadow]
        mirrors = mirrors_of(shadows)
        actions = {m.origin.id: action for m in group if not m.shadow and (action := action_of(m, mirrors))}
        live = [member for member in group if member.origin.id in actions]
        if live:
            rules += [(_route(m, share, actions[m.origin.id], edge), m) for m, share in thresholds(live)]
            problems += differing(live)
            answered = [member for member in live if not isinstance(actions[member.origin.id], Forward)]
            problems += [_mirrored_answer(shadow, answered[0]) for shadow in shadows if answered]
    return rules, problems


def _route(mapping: MappingResource, threshold: int | None, action: Action, edge: Edge) -> Route:
    return Route(
        name=mapping.origin.id.qualified,
        id=mapping.origin.id,
        provenance=mapping.origin.provenance,
        host=mapping.host or ANY_HOST,
        path=mapping.path,
        method=mapping.method,
        headers=mapping.headers,
        query=mapping.query,
        precedence=mapping.precedence,
        threshold=threshold,
        action=action,
        policy=effective_policy(policy_of(mapping), action, edge),
        policies=mapping.policies,
    )


def _clusters(routes: Sequence[Route], mappings: Sequence[MappingResource]) -> tuple[Cluster, ...]:
    """The clusters the routes name, sorted."""
    forwards = [route.action for route in routes if isinstance(route.action, Forward)]
    names = {forward.cluster for forward in forwards}
    names |= {mirror.cluster for forward in forwards for mirror in forward.mirrors}
    upstreams = {(mapping.service, mapping.upstream) for mapping in mappings if mapping.service is not None}
    clusters = (cluster_of(address, upstream) for address, upstream in upstreams)
    return tuple(sorted((cluster for cluster in clusters if cluster.name in names), key=attrgetter("name")))


def _mirrored_answer(shadow: MappingResource, answered: MappingResource) -> Problem:
    what = "these" if answered.answer is not None else "a redirect"
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"copies nothing of {answered.origin.id}: Envoy answers {what} by itself and mirrors only what it forwards",
        shadow.origin.provenance,
        field="spec.shadow",
        hint="Remove this Mapping, or copy the requests where they are forwarded",
        resource=str(shadow.origin.id),
        related=(answered.origin.provenance,),
    )
