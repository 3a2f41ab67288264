"""Rendered xDS resources, each with the digest of its bytes; a version is a digest, never a counter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from reconciler.model.digest import Digest, digest_bytes


class TypeUrl(StrEnum):
    """The xDS types served, in make-before-break order.

    https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
    """

    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
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
        """A resource with the digest of its bytes."""
        return cls(name, body, digest_bytes(body))


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """All resources of one type, by name (names sorted), and the version they have together."""

    resources: Mapping[str, XdsResource]
    version: Digest

    @classmethod
    def of(cls, resources: Iterable[XdsResource]) -> "ResourceSet":
        """A set in canonical order; its version depends on the content only."""
        ordered = sorted(resources)
        version = digest_bytes("\n".join(f"{r.name} {r.digest}" for r in ordered).encode())
        return cls(MappingProxyType({r.name: r for r in ordered}), version)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an Envoy is to hold: a resource set for every type of ``TypeUrl``."""

    sets: Mapping[TypeUrl, ResourceSet]
    digest: Digest

    @classmethod
    def of(cls, sets: Mapping[TypeUrl, ResourceSet]) -> "Snapshot":
        """A snapshot; types that are not given are empty."""
        whole = {t: sets.get(t) or ResourceSet.of(()) for t in TypeUrl}
        digest = digest_bytes("\n".join(f"{t} {s.version}" for t, s in whole.items()).encode())
        return cls(MappingProxyType(whole), digest)

    def __getitem__(self, type_url: TypeUrl) -> ResourceSet:
        return self.sets[type_url]


EMPTY_SNAPSHOT = Snapshot.of({})
