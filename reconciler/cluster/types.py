"""What objects there are, and which of them are meant."""

from dataclasses import dataclass
from typing import TypeAlias

# Namespace (empty for what has none) and name.
ObjectKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, order=True)
class ObjectType:
    """A type of object, as the API server's paths name it.

    Attributes:
        group: empty for the core group.
        plural: the name in paths, e.g. ``services``.
        kind: the name in documents, e.g. ``Service``.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``v1`` or ``networking.k8s.io/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of a collection, an object, or a subresource of it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return root + inside + "".join(f"/{part}" for part in (self.plural, name, subresource) if part)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of a type: of one namespace or of all, by label and field selectors in the API's own syntax."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""


EVERYWHERE = Scope()

CONFIG_MAPS = ObjectType("", "v1", "configmaps", "ConfigMap")
ENDPOINT_SLICES = ObjectType("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENTS = ObjectType("events.k8s.io", "v1", "events", "Event")
INGRESSES = ObjectType("networking.k8s.io", "v1", "ingresses", "Ingress")
LEASES = ObjectType("coordination.k8s.io", "v1", "leases", "Lease")
SECRETS = ObjectType("", "v1", "secrets", "Secret")
SERVICES = ObjectType("", "v1", "services", "Service")
