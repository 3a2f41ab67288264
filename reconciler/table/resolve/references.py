"""What Mappings name and other documents hold: resolvers, and the CircuitBreakers and OutlierDetections of old.

A name is looked up in the Mapping's own namespace first, then everywhere, as ``name`` or ``name.namespace``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, TypeVar

from reconciler.model.origin import Origin
from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import MappingResource, Resource, ResourceId
from reconciler.model.upstream import ANY_UPSTREAM, Discovery, Upstream
from reconciler.model.upstream_resources import (
    CircuitBreakerResource,
    OutlierDetectionResource,
    ResolverResource,
    UpstreamResource,
)
from reconciler.table.resolve.unknown import several, unknown
from reconciler.table.resolve.upstreams import shortest

BUILT_IN = MappingProxyType({"kubernetes-service": Discovery.DNS, "kubernetes-endpoint": Discovery.KUBERNETES})

Named = TypeVar("Named", bound=UpstreamResource)


@dataclass(frozen=True, slots=True)
class Directory(Generic[Named]):
    """Documents of one purpose by name, in order of identity."""

    by_name: dict[str, list[Named]]

    @classmethod
    def of(cls, documents: Iterable[Named]) -> "Directory[Named]":
        """A directory of documents."""
        by_name: dict[str, list[Named]] = defaultdict(list)
        for document in documents:
            by_name[document.origin.id.name].append(document)
        return cls(dict(by_name))

    def find(self, written: str, namespace: str) -> list[Named]:
        """What a name means in a namespace: one document, none, or several to choose from."""
        name, dot, where = written.rpartition(".")
        found = self.by_name.get(written) or (self.by_name.get(name, []) if dot else [])
        wanted = namespace if written in self.by_name else where
        own = [document for document in found if document.origin.id.namespace == wanted]
        return own or (found if written in self.by_name else [])

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self.by_name)


@dataclass(frozen=True, slots=True)
class References:
    """Everything that can be named."""

    resolvers: Directory[ResolverResource]
    breakers: Directory[CircuitBreakerResource]
    outliers: Directory[OutlierDetectionResource]

    @classmethod
    def of(cls, resources: Sequence[Resource]) -> "References":
        """What the resources of a table offer."""
        return cls(
            Directory.of([r for r in resources if isinstance(r, ResolverResource)]),
            Directory.of([r for r in resources if isinstance(r, CircuitBreakerResource)]),
            Directory.of([r for r in resources if isinstance(r, OutlierDetectionResource)]),
        )

    def discovery(self, written: str, origin: Origin) -> Discovery | Problem:
        """Who knows the endpoints, or why nobody does.

        Args:
            written: name of a resolver.
            origin: of what names it.
        """
        found = self.resolvers.find(written, origin.id.namespace)
        if not found and written in BUILT_IN:
            return BUILT_IN[written]
        if len(found) != 1:
            return _not_one("resolver", "resolver", written, origin, found, {*BUILT_IN, *self.resolvers.names})
        if found[0].discovery is Discovery.CONSUL:
            return _no_consul(origin, found[0])
        return found[0].discovery

    def upstream_of(
        self, origin: Origin, upstream: Upstream, resolver: str, breaker: str = "", outlier: str = ""
    ) -> Upstream | Problem:
        """How to talk to a service with all names looked up, or why what names them can't be served.

        Args:
            origin: of what names them.
            upstream: what it says itself.
            resolver: name of a resolver; empty for none, as are the other names.
            breaker: name of a CircuitBreaker.
            outlier: name of an OutlierDetection.
        """
        if upstream.ip_family is None:
            return _no_addresses(origin)
        if resolver:
            discovery = self.discovery(resolver, origin)
            if isinstance(discovery, Problem):
                return discovery
            upstream = replace(upstream, discovery=discovery)
        if breaker:
            breakers = self.breakers.find(breaker, origin.id.namespace)
            if len(breakers) != 1:
                return _not_one("CircuitBreaker", "circuit_breaker", breaker, origin, breakers, self.breakers.names)
            upstream = replace(upstream, circuit_breakers=(breakers[0].breaker,))
        if outlier:
            found = self.outliers.find(outlier, origin.id.namespace)
            if len(found) != 1:
                return _not_one("OutlierDetection", "outlier_detection", outlier, origin, found, self.outliers.names)
            upstream = replace(upstream, outliers=found[0].outliers)
        return shortest(upstream)


def resolved(
    mappings: Sequence[MappingResource], references: References
) -> tuple[list[MappingResource], list[tuple[ResourceId, Problem]]]:
    """Mappings whose names are looked up, and those that name what is not there, each with why.

    One that names nothing and says nothing stays the same object.
    """
    found: list[MappingResource] = []
    stranded: list[tuple[ResourceId, Problem]] = []
    for mapping in mappings:
        if mapping.redirect is not None or not _says_anything(mapping):
            found.append(mapping)
            continue
        upstream = references.upstream_of(
            mapping.origin, mapping.upstream, mapping.resolver, mapping.circuit_breaker, mapping.outlier_detection
        )
        if isinstance(upstream, Problem):
            stranded.append((mapping.origin.id, upstream))
            continue
        policy = mapping.policy
        if policy.hash_key and not (upstream.balancing and upstream.balancing.hashes):
            policy = replace(policy, hash_key=None)  # the Module's, and this Mapping balances in another way
        found.append(replace(mapping, upstream=upstream, policy=policy))
    return found, stranded


def resolved_tcp(
    mappings: Sequence[TcpMappingResource], references: References, resolver: str
) -> tuple[list[TcpMappingResource], list[tuple[ResourceId, Problem]]]:
    """The same for TCPMappings.

    Args:
        mappings: all of them.
        references: what can be named.
        resolver: the Module's; empty for none.
    """
    found: list[TcpMappingResource] = []
    stranded: list[tuple[ResourceId, Problem]] = []
    for mapping in mappings:
        upstream = references.upstream_of(mapping.origin, mapping.upstream, mapping.resolver or resolver)
        if isinstance(upstream, Problem):
            stranded.append((mapping.origin.id, upstream))
        else:
            found.append(replace(mapping, upstream=upstream))
    return found, stranded


def _says_anything(mapping: MappingResource) -> bool:
    named = mapping.resolver or mapping.circuit_breaker or mapping.outlier_detection
    return bool(named) or mapping.upstream is not ANY_UPSTREAM


def _not_one(
    what: str, field: str, written: str, origin: Origin, found: Sequence[UpstreamResource], known: Iterable[str]
) -> Problem:
    """A name that means nothing, or several things."""
    if found:
        return several(origin, field, f"there are several of {what} {written}, none of them in its namespace", found)
    hint, alone = f"Correct the name, or add the {what}", f"Add the {what}"
    return unknown(origin, field, f"there is no {what} {written}", known, hint=hint, alone=alone)


def _no_consul(origin: Origin, resolver: ResolverResource) -> Problem:
    return Problem(
        Code.FIELD_UNSUPPORTED,
        Severity.ERROR,
        f"{resolver.origin.id} says that Consul knows the service, and Consul is not asked for endpoints yet",
        origin.provenance,
        field="spec.resolver",
        hint="Leave resolver out and name the service as Consul's DNS interface does, NAME.service.consul",
        resource=str(origin.id),
        related=(resolver.origin.provenance,),
    )


def _no_addresses(origin: Origin) -> Problem:
    return Problem(
        Code.FIELDS_CONTRADICT,
        Severity.ERROR,
        "neither IPv4 nor IPv6 addresses of its service may be used, so none can",
        origin.provenance,
        field="spec.enable_ipv4",
        hint="Set enable_ipv6: true beside enable_ipv4: false, here or in the Module",
        resource=str(origin.id),
    )
