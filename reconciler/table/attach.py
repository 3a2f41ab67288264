"""Which rules go into which virtual host, and why a Mapping goes into none."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import (
    ANY_HOST,
    HostMatch,
    HostResource,
    InsecureAction,
    MappingResource,
    MatchKind,
    ResourceId,
    SecurityModel,
)
from reconciler.model.table import Guard, Route, VirtualHost
from reconciler.table.domains import Domains
from reconciler.table.ports.terminations import NO_TERMINATIONS, Terminations
from reconciler.table.rules import Rule

_REMEMBERED = 100_000  # host patterns of which it is known what they reach
_LISTED = 5  # Hosts named in a message
_SUGGESTED = 50  # Mappings for which the nearest Host is looked for


@dataclass(frozen=True, slots=True)
class Places:
    """The virtual hosts of one listener, and which rules each takes.

    Attributes:
        by_name: the virtual hosts by name, each with the Host behind it; None where it is served for being named.
        dark: Hosts that can't end TLS as they say: they take no rules.
    """

    by_name: Mapping[HostMatch, HostResource | None]
    dark: frozenset[ResourceId]
    _domains: Domains
    _reached: dict[HostMatch, tuple[HostMatch, ...]]  # what was asked before, by pattern

    @classmethod
    def of(
        cls,
        rules: Iterable[Rule],
        hosts: Sequence[HostResource],
        endings: Terminations = NO_TERMINATIONS,
        *,
        implicit: bool,
    ) -> "Places":
        """The places of a listener.

        Args:
            rules: all rules; they name the virtual hosts that are served for being named.
            hosts: the Hosts the listener binds.
            endings: how TLS ends.
            implicit: every host that is named is served.
        """
        by_name: dict[HostMatch, HostResource | None] = {}
        for host in hosts:
            by_name.setdefault(host.hostname, host)
        if implicit:
            named = {mapping.host for _, mapping in rules if mapping.host is not None}
            asked = dict.fromkeys(ANY_HOST if host.kind is MatchKind.REGEX else host for host in named)
            by_name = {**asked, **by_name}
        return cls(by_name, endings.dark, Domains.of(by_name), {})

    def names(self, mapping: MappingResource) -> bool:
        """Whether the virtual host that a Mapping asks for, if it asks for one, is there."""
        host = mapping.host
        return host is None or (ANY_HOST if host.kind is MatchKind.REGEX else host) in self.by_name

    def taking(self, route: Route, mapping: MappingResource) -> Iterator[HostMatch]:
        """The virtual hosts that take a rule, sorted."""
        domains = self._reached.get(route.host)
        if domains is None:
            if len(self._reached) > _REMEMBERED:
                self._reached.clear()
            domains = self._reached[route.host] = self._domains.reached(route.host)
        for domain in domains:
            owner = self.by_name[domain]
            if owner is not None and owner.origin.id in self.dark:
                continue
            # Hosts overlap, or the domain were not reached; only a selector has more to say.
            if owner.takes(mapping) if owner and owner.mapping_selector else mapping.host is not None:
                yield domain


def virtual_hosts(
    rules: Iterable[Rule], places: Places, security_model: SecurityModel, endings: Terminations = NO_TERMINATIONS
) -> tuple[VirtualHost, ...]:
    """The virtual hosts of one listener, sorted by host, each with the rules that can match there, in their order.

    Args:
        rules: all rules in match order, each with its Mapping.
        places: of the listener.
        security_model: how the listener tells a secure request.
        endings: how TLS ends. A Host that can't end it as it says has no rules.
    """
    by_name = places.by_name
    routes: dict[HostMatch, list[Route]] = {domain: [] for domain in by_name if domain.kind is not MatchKind.REGEX}
    for route, mapping in rules:
        for domain in places.taking(route, mapping):
            routes[domain].append(route)
    return tuple(
        VirtualHost(
            domain,
            tuple(routes[domain]),
            _guard(by_name[domain], security_model),
            endings.of(domain, by_name[domain]),
        )
        for domain in sorted(routes)
    )


def unattached(homeless: Sequence[MappingResource], hosts: Sequence[HostResource]) -> Iterator[Problem]:
    """Why Mappings are served nowhere: each names no host and no Host selects it, or no bound Host serves its host."""
    named: dict[str, list[HostResource]] = defaultdict(list)
    for host in hosts:
        named[str(host.hostname)].append(host)
    wild = [host for host in hosts if host.hostname.kind is not MatchKind.EXACT]
    names = sorted(named)
    for position, mapping in enumerate(homeless):
        exact = mapping.host is not None and mapping.host.kind is MatchKind.EXACT
        possible = (*named.get(str(mapping.host), ()), *wild) if exact else hosts
        taken = any(host.takes(mapping) for host in possible)
        if mapping.host is None and not taken:
            yield _hostname_missing(mapping)
        elif not taken and (
            choosy := [host for host in possible if mapping.host and mapping.host.overlaps(host.hostname)]
        ):
            yield _not_selected(mapping, choosy)
        else:
            # Likeness is costly, and nobody reads a thousand suggestions.
            near = get_close_matches(str(mapping.host), names, n=1) if position < _SUGGESTED else []
            nearest = named[near[0]] if near else []
            yield _no_host(mapping, names, nearest, taken)


def _hostname_missing(mapping: MappingResource) -> Problem:
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


def _not_selected(mapping: MappingResource, choosy: Sequence[HostResource]) -> Problem:
    named = ", ".join(f"{host.origin.id} ({host.hostname})" for host in choosy[:_LISTED])
    return Problem(
        Code.NO_HOST,
        Severity.ERROR,
        f"no Host selects it by label, so no request can reach it; for {mapping.host} there is {named}",
        mapping.origin.provenance,
        field="metadata.labels",
        expected="labels that its `mappingSelector` selects",
        hint="Add the labels, or take the `mappingSelector` away",
        resource=str(mapping.origin.id),
        related=tuple(host.origin.provenance for host in choosy[:_LISTED]),
    )


def _no_host(mapping: MappingResource, names: Sequence[str], nearest: Sequence[HostResource], taken: bool) -> Problem:
    listed = ", ".join(f"`{name}`" for name in names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
    if taken:
        hint = "A Host takes it, but no Listener binds that Host, or a more specific Host answers for all its requests"
    else:
        hint = f"Did you mean `{nearest[0].hostname}`?" if nearest else "Add a Host for it, or change its `hostname`"
    return Problem(
        Code.NO_HOST,
        Severity.ERROR,
        f"no Host serves {mapping.host or 'its labels'}, so no request can reach it; the Hosts are {listed}",
        mapping.origin.provenance,
        field="spec.hostname",
        hint=hint,
        resource=str(mapping.origin.id),
        related=tuple(host.origin.provenance for host in nearest[:_LISTED]),
    )


def _guard(host: HostResource | None, security_model: SecurityModel) -> Guard | None:
    """What a Host does with insecure requests, as the listener tells them; None: routes them like all others."""
    if host is None or host.insecure_action is InsecureAction.ROUTE or security_model is SecurityModel.SECURE:
        return None
    return Guard(host.insecure_action, by_header=security_model is SecurityModel.XFP)
