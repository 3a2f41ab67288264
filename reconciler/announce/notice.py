"""Something to be said about an object of the cluster, as a value. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.provenance import CLUSTER_PREFIX, ObjectTouch, Provenance, is_cluster_path
from reconciler.model.text import printable

# What an Event may hold, by the API server's own validation; in bytes.
MOST_NOTE = 1024
_MORE = "…"

_GROUPS = {"Service": "v1", "ConfigMap": "v1", "Ingress": "networking.k8s.io/v1"}
_OWN = {"MappingPolicy", "Ownership", "RoutingRepository"}


class Weight(StrEnum):
    """The types of Events that Kubernetes has."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """An object of the cluster.

    Attributes:
        uid: empty where it is not known; it is looked up before anything is said.
    """

    kind: str
    namespace: str
    name: str
    uid: str = ""

    @property
    def api_version(self) -> str:
        """Group and version, as its kind has them."""
        return _GROUPS.get(self.kind) or (
            "reconciler.dev/v1alpha1" if self.kind in _OWN else "getambassador.io/v3alpha1"
        )

    @property
    def place(self) -> str:
        """What people call it."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @classmethod
    def of(cls, place: Provenance | None) -> "Subject | None":
        """The object in which a document stands; None for a file."""
        if place is None or not is_cluster_path(place.path):
            return None
        parts = place.path.removeprefix(CLUSTER_PREFIX).split("/")
        uid = place.touch.uid if isinstance(place.touch, ObjectTouch) else ""
        return cls(parts[0], parts[1], parts[2], uid)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say.

    Attributes:
        reason: CamelCase, for machines.
        action: what was done or tried, CamelCase.
        note: for people; cut to what an Event may hold.
    """

    subject: Subject
    weight: Weight
    reason: str
    action: str
    note: str


def bounded(text: str, most: int = MOST_NOTE) -> str:
    """Text on one line of so many bytes at most, with nothing that hides or reorders it."""
    line = printable(" ".join(text[: 4 * most].split()))
    whole = line.encode()
    if len(whole) <= most:
        return line
    return whole[: most - len(_MORE.encode())].decode(errors="ignore") + _MORE
