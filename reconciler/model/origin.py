"""Who a resource is and where it comes from."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.provenance import Provenance


class Kind(StrEnum):
    """The kinds that are read today."""

    MAPPING = "Mapping"
    HOST = "Host"
    LISTENER = "Listener"
    TCP_MAPPING = "TCPMapping"
    TLS_CONTEXT = "TLSContext"
    MODULE = "Module"
    AUTH_SERVICE = "AuthService"
    RATE_LIMIT_SERVICE = "RateLimitService"
    TRACING_SERVICE = "TracingService"
    LOG_SERVICE = "LogService"
    KUBERNETES_SERVICE_RESOLVER = "KubernetesServiceResolver"
    KUBERNETES_ENDPOINT_RESOLVER = "KubernetesEndpointResolver"
    CONSUL_RESOLVER = "ConsulResolver"
    CIRCUIT_BREAKER = "CircuitBreaker"
    OUTLIER_DETECTION = "OutlierDetection"
    MAPPING_POLICY = "MappingPolicy"
    OWNERSHIP = "Ownership"

    __hash__ = str.__hash__  # that of Enum runs in Python, and every look-up of an identity pays for it


# What a document of these kinds says concerns everybody.
PLATFORM_KINDS = frozenset(
    {
        Kind.AUTH_SERVICE,
        Kind.LISTENER,
        Kind.LOG_SERVICE,
        Kind.MODULE,
        Kind.OWNERSHIP,
        Kind.RATE_LIMIT_SERVICE,
        Kind.TRACING_SERVICE,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class ResourceId:
    """Identity of a resource: at most one of each is served."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def qualified(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Attached:
    """A policy that had a say in something, by name (``namespace/name``) and place."""

    name: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a resource comes from, and its document as canonical JSON of the original spelling."""

    id: ResourceId
    provenance: Provenance
    document: bytes

    @property
    def digest(self) -> Digest:
        """Digest of the document: equal documents mean equal resources."""
        return digest_bytes(self.document)
