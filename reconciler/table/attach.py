"""Which rules go into which virtual host, and why a Mapping goes into none."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import (
    ANY_HOST,
    HostMatch,
    HostResource,
    InsecureAction,
    MappingResource,
    MatchKind,
    SecurityModel,
)
from reconciler.model.table import Guard, Route, VirtualHost
from reconciler.table.domains import Domains

_LISTED = 5  # Hosts named in a message


def virtual_hosts(
    rules: Iterable[tuple[Route, MappingResource]],
    hosts: Sequence[HostResource] | None,
    security_model: SecurityModel,
) -> tuple[VirtualHost, ...]:
    """The virtual hosts of one listener, sorted by host, each with the rules that can match there, in their order.

    Args:
        rules: all rules in match order, each with its Mapping.
        hosts: the Hosts the listener binds; None when there is no Host at all and every named host is served.
        security_model: how the listener tells a secure request.
    """
    rules = list(rules)
    by_name: dict[HostMatch, HostResource | None] = {}
    for host in hosts or ():
        by_name.setdefault(host.hostname, host)
    if hosts is None:
        by_name = dict.fromkeys(ANY_HOST if r.host.kind is MatchKind.REGEX else r.host for r, _ in rules)
    domains = Domains.of(by_name)
    reached = {pattern: domains.reached(pattern) for pattern in {route.host for route, _ in rules}}
    routes: dict[HostMatch, list[Route]] = {domain: [] for domain in domains.members}
    for route, mapping in rules:
        for domain in reached[route.host]:
            owner = by_name[domain]
            if owner is None:
                attached = mapping.host is not None
            elif owner.mapping_selector is None:
                attached = mapping.host is not None  # the hosts overlap, or the domain were not reached
            else:
                attached = owner.takes(mapping)
            if attached:
                routes[domain].append(route)
    return tuple(
        VirtualHost(domain, tuple(routes[domain]), _guard(by_name[domain], security_model)) for domain in sorted(routes)
    )


def unattached(mapping: MappingResource, hosts: Sequence[HostResource]) -> Problem:
    """Why a Mapping is served nowhere: it names no host and no Host selects it, or no bound Host serves its host."""
    selected = any(host.takes(mapping) for host in hosts)
    if mapping.host is None and not selected:
        return Problem(
            Code.HOSTNAME_MISSING,
            Severity.ERROR,
            "names no host and no Host selects it by label, so no request can reach it",
            mapping.origin.provenance,
            field="spec.hostname",
            expected="a hostname, or labels that the `mappingSelector` of a Host selects",
            hint='For every host write `hostname: "*"`',
            resource=str(mapping.origin.id),
        )
    wanted = str(mapping.host) if mapping.host else "its labels"
    names = sorted({str(host.hostname) for host in hosts})
    listed = ", ".join(f"`{name}`" for name in names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
    near = get_close_matches(wanted, names, n=1)
    if selected:
        hint = "A Host takes it, but no Listener binds that Host, or a more specific Host answers for all its requests"
    else:
        hint = f"Did you mean `{near[0]}`?" if near else "Add a Host for it, or change its `hostname`"
    return Problem(
        Code.NO_HOST,
        Severity.ERROR,
        f"no Host serves {wanted}, so no request can reach it; the Hosts are {listed}",
        mapping.origin.provenance,
        field="spec.hostname",
        hint=hint,
        resource=str(mapping.origin.id),
        related=tuple(host.origin.provenance for host in hosts if near and str(host.hostname) == near[0])[:_LISTED],
    )


def _guard(host: HostResource | None, security_model: SecurityModel) -> Guard | None:
    """What a Host does with insecure requests, as the listener tells them; None: routes them like all others."""
    if host is None or host.insecure_action is InsecureAction.ROUTE or security_model is SecurityModel.SECURE:
        return None
    return Guard(host.insecure_action, by_header=security_model is SecurityModel.XFP)
