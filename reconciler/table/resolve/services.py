"""The services that requests are shown to, as the table has them, and what that means to each route."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.model.edge import PLAIN_EDGE, Edge
from reconciler.model.origin import Origin, ResourceId
from reconciler.model.policy import DirectResponse, LimitLabels, RoutePolicy
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import MappingResource
from reconciler.model.services import (
    Auth,
    AuthProtocol,
    AuthServiceResource,
    Backend,
    LogServiceResource,
    RateLimit,
    RateLimitServiceResource,
    Reached,
    RemoteLog,
    Tracing,
    TracingServiceResource,
)
from reconciler.model.table import Action, Cluster, Forward, VirtualHost
from reconciler.model.upstream import Upstream
from reconciler.table.documents import Documents
from reconciler.table.resolve.defaults import edge_of
from reconciler.table.resolve.upstreams import cluster_of

DEFAULT_DOMAIN = "ambassador"


@dataclass(frozen=True, slots=True)
class Placed:
    """The services of a table.

    Attributes:
        edge: with the services in it.
        clusters: theirs.
        stranded: those that cannot be reached as they ask, each with why.
    """

    edge: Edge
    clusters: tuple[Cluster, ...] = ()
    stranded: tuple[tuple[ResourceId, Problem], ...] = ()


def place_services(documents: Documents) -> Placed:
    """The edge as the Module has it, with its services: at most one of each kind but LogService (merge sees to it)."""
    edge, defaults = edge_of(documents.module), documents.defaults
    clusters: list[Cluster] = []
    stranded: list[tuple[ResourceId, Problem]] = []
    logs: list[RemoteLog] = []
    for service in documents.services:
        reached = _reach(service.origin, service.backend, documents)
        if isinstance(reached, Problem):
            stranded.append((service.origin.id, reached))
            continue
        clusters.append(reached)
        at = Reached(service.origin.id.qualified, reached.address, reached.name)
        match service:
            case AuthServiceResource(settings=auth):
                linkerd = defaults.policy.linkerd if auth.linkerd is None else auth.linkerd
                edge = replace(edge, auth=Auth(at, replace(auth, linkerd=linkerd or None)))
            case RateLimitServiceResource(settings=limits):
                domain = limits.domain or defaults.label_domain or DEFAULT_DOMAIN
                edge = replace(edge, rate_limit=RateLimit(at, replace(limits, domain=domain)))
            case TracingServiceResource(settings=traces):
                edge = replace(edge, tracing=Tracing(at, traces))
            case LogServiceResource(settings=log):
                logs.append(RemoteLog(at, log))
    if edge.auth is not None:
        probes = tuple(replace(probe, past_auth=True) for probe in edge.http.probes)
        edge = replace(edge, http=replace(edge.http, probes=probes))
    if logs:
        edge = replace(edge, logs=tuple(sorted(logs, key=attrgetter("service.name"))))
    return Placed(edge, tuple(clusters), tuple(stranded))


def _reach(origin: Origin, backend: Backend, documents: Documents) -> Cluster | Problem:
    default = documents.defaults.upstream
    weaker = Upstream(circuit_breakers=default.circuit_breakers, ipv4=default.ipv4, ipv6=default.ipv6)
    upstream = documents.references.upstream_of(origin, backend.upstream.over(weaker), "")
    if backend.tls_context and isinstance(upstream, Upstream):
        tls = documents.contexts.upstream(origin, backend.tls_context)
        upstream = tls if isinstance(tls, Problem) else replace(upstream, tls=tls)
    return upstream if isinstance(upstream, Problem) else cluster_of(backend.address, upstream)


def effective_policy(policy: RoutePolicy, action: Action, edge: Edge) -> RoutePolicy:
    """What a route asks of the services there are: nothing of those there are not.

    A redirect is answered without the auth service, as in the language's other implementation, and without limits:
    nothing of it is forwarded. Nor does Envoy ask for what a MappingPolicy has answered; that has its own body also
    where errors have others.
    """
    if isinstance(action, DirectResponse) and action.body and (policy.errors or edge.http.filters.errors):
        policy = replace(policy, errors=())
    auth = edge.auth
    bypass = auth is not None and (policy.bypass_auth or not isinstance(action, Forward))
    grpc = auth is not None and auth.settings.protocol is AuthProtocol.GRPC
    context = policy.auth_context if grpc and not bypass else ()
    labels = _served(policy.labels, edge) if policy.labels and isinstance(action, Forward) else ()
    if (bypass, context, labels) == (policy.bypass_auth, policy.auth_context, policy.labels):
        return policy
    return replace(policy, bypass_auth=bypass, auth_context=context, labels=labels)


def past_auth(virtual_hosts: Iterable[VirtualHost], edge: Edge) -> tuple[VirtualHost, ...]:
    """Virtual hosts whose guards answer without the auth service, if there is one."""
    if edge.auth is None:
        return tuple(virtual_hosts)
    return tuple(v if v.guard is None else replace(v, guard=replace(v.guard, past_auth=True)) for v in virtual_hosts)


def _served(labels: Iterable[LimitLabels], edge: Edge) -> tuple[LimitLabels, ...]:
    if edge.rate_limit is None:
        return ()
    domain = edge.rate_limit.settings.domain
    return tuple(replace(one, domain=domain) for one in labels if (one.domain or DEFAULT_DOMAIN) == domain)


def unserved(mappings: Iterable[MappingResource], edge: Edge = PLAIN_EDGE) -> Iterator[Problem]:
    """Warnings for what Mappings ask of services that there are not."""
    domain = edge.rate_limit.settings.domain if edge.rate_limit else ""
    for mapping in mappings:
        for labels in mapping.policy.labels:
            wanted = labels.domain or DEFAULT_DOMAIN
            if mapping.redirect is not None:
                yield _ignored(mapping, "labels", "a redirect forwards nothing", "remove them")
            elif wanted != domain:
                there = f"the RateLimitService's is `{domain}`" if domain else "there is no RateLimitService"
                why = f"no rate is limited in the domain `{wanted}`: {there}"
                yield _ignored(mapping, "labels", why, "name its domain" if domain else "add one, or remove them")
        asked = mapping.policy.auth_context and not mapping.policy.bypass_auth
        if asked and edge.auth and edge.auth.settings.protocol is AuthProtocol.HTTP:
            why = f"AuthService {edge.auth.service.name} has `proto: http`, which cannot carry it"
            yield _ignored(mapping, "auth_context_extensions", why, "use `proto: grpc`, or remove it")


def _ignored(mapping: MappingResource, field: str, why: str, hint: str) -> Problem:
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"{field} has no effect: {why}",
        mapping.origin.provenance,
        field=f"spec.{field}",
        hint=hint,
        resource=str(mapping.origin.id),
    )
