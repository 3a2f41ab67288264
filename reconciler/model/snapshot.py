"""Rendered xDS resources, each with the digest of its bytes; a version is a digest, never a counter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.digest_tree import DigestTree
from reconciler.model.seal import seal


class TypeUrl(StrEnum):
    """The xDS types served, in make-before-break order.

    https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
    """

    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
    SCOPED_ROUTE = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
    ROUTE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105 a type, no secret


@dataclass(frozen=True, slots=True, order=True)
class XdsResource:
    """One resource: its xDS name and its message, serialised deterministically."""

    name: str
    body: bytes
    digest: Digest

    @classmethod
    def of(cls, name: str, body: bytes) -> "XdsResource":
        """A resource with the digest of its bytes, which is their `seal`."""
        return cls.sealed(name, body, seal(body))

    @classmethod
    def sealed(cls, name: str, body: bytes, sealed: bytes) -> "XdsResource":
        """The same for one who has the seal of the bytes already."""
        return cls(name, body, Digest(f"sha256:{sealed.hex()}"))


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """All resources of one type, by name (names sorted), and the version they have together.

    ``tree`` has their digests: what two sets differ in is read off it at the cost of what differs.
    """

    resources: MappingProxyType[str, XdsResource]
    version: Digest
    tree: DigestTree = field(compare=False, repr=False)

    @classmethod
    def of(cls, resources: Iterable[XdsResource]) -> "ResourceSet":
        """A set in canonical order; its version depends on the content only."""
        by_name = {resource.name: resource for resource in resources}
        tree = DigestTree.of({name: resource.digest for name, resource in by_name.items()})
        return cls(MappingProxyType({name: by_name[name] for name in sorted(by_name)}), tree.digest, tree)

    def with_changes(self, removed: Iterable[str], put: Iterable[XdsResource]) -> "ResourceSet":
        """The set without ``removed`` and with ``put``, which may be new or replace; equal to one made anew.

        It costs what changes, and copies at the speed of the interpreter's own code.

        Args:
            removed: names that go; one that isn't there is no error, nor is one that ``put`` brings.
            put: what comes.
        """
        come = {resource.name: resource for resource in put}
        gone = [name for name in removed if name in self.resources and name not in come]
        if not come and not gone:
            return self
        resources = self.resources.copy()
        for name in gone:
            del resources[name]
        before = len(resources)
        resources.update(come)
        if len(resources) != before:
            names = sorted(resources)
            resources = dict(zip(names, map(resources.__getitem__, names), strict=True))
        tree = self.tree.with_changes(gone, {name: resource.digest for name, resource in come.items()})
        return ResourceSet(MappingProxyType(resources), tree.digest, tree)

    def differing(self, other: "ResourceSet") -> frozenset[str]:
        """Names that only one of both has, or that both have with different content."""
        return self.tree.differing(other.tree)


NO_RESOURCES = ResourceSet.of(())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an Envoy is to hold: a resource set for every type of ``TypeUrl``."""

    sets: Mapping[TypeUrl, ResourceSet]
    digest: Digest

    @classmethod
    def of(cls, sets: Mapping[TypeUrl, ResourceSet]) -> "Snapshot":
        """A snapshot; types that are not given are empty."""
        whole = {t: sets.get(t, NO_RESOURCES) for t in TypeUrl}
        digest = digest_bytes("\n".join(f"{t} {s.version}" for t, s in whole.items()).encode())
        return cls(MappingProxyType(whole), digest)

    def with_changes(self, sets: Mapping[TypeUrl, ResourceSet]) -> "Snapshot":
        """The snapshot with these sets in place of its own."""
        return Snapshot.of({**self.sets, **sets})

    def __getitem__(self, type_url: TypeUrl) -> ResourceSet:
        return self.sets[type_url]


EMPTY_SNAPSHOT = Snapshot.of({})
