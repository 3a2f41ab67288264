"""What people say in the object that stands for the repository: stop, go on, now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.model.digest import Json
from reconciler.model.suspension import Suspension
from reconciler.model.text import printable

REQUESTED_AT = "reconcile.reconciler.dev/requestedAt"
_MOST = 100  # characters of what somebody wrote


@dataclass(frozen=True, slots=True)
class Wish:
    """One version of the object, as far as it counts.

    Attributes:
        by: the field manager that set ``suspend`` last; empty where nobody did, or it is not known.
        requested: value of the annotation `REQUESTED_AT`.
        status: what the object says of us.
        said: what we wrote besides the status: its ``spec``, or the ``data`` of a ConfigMap.
        labels: of the object.
        version: its ``resourceVersion``.
    """

    uid: str
    generation: int
    suspend: bool
    by: str
    requested: str
    status: Mapping[str, Json] = field(default_factory=dict)
    said: Mapping[str, Json] = field(default_factory=dict)
    labels: Mapping[str, Json] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Json], *, config_map: bool) -> "Wish":
        """What an object says; what is not of the usual form counts as missing."""
        metadata = _mapping(body.get("metadata"))
        generation = metadata.get("generation")
        section = "data" if config_map else "spec"
        said = _mapping(body.get(section))
        requested = _mapping(metadata.get("annotations")).get(REQUESTED_AT)
        return cls(
            uid=str(metadata.get("uid") or ""),
            generation=generation if isinstance(generation, int) else 0,
            suspend=said.get("suspend") in (True, "true"),
            by=_writer(metadata.get("managedFields"), (section, "suspend")),
            requested=printable(requested[:_MOST]) if isinstance(requested, str) else "",
            status=_mapping(body.get("status")),
            said=said,
            labels=_mapping(metadata.get("labels")),
            version=str(metadata.get("resourceVersion") or ""),
        )

    @property
    def handled(self) -> str:
        """The request that we say we have followed."""
        return str(self.status.get("lastHandledReconcileAt") or "")

    def suspension(self, through: str) -> Suspension:
        """The same for the loop; ``through`` names the object."""
        return Suspension(self.suspend, self.by, through)


def _writer(managed: Json, path: Sequence[str]) -> str:
    """Who wrote a field last, by ``metadata.managedFields``."""
    owners = []
    for entry in managed if isinstance(managed, list) else ():
        if not isinstance(entry, dict):
            continue
        inner: Json = entry.get("fieldsV1")
        for part in path:
            inner = inner.get(f"f:{part}") if isinstance(inner, dict) else None
        if inner is not None:
            owners.append((_time(entry.get("time")), str(entry.get("manager") or "")))
    return printable(max(owners)[1][:_MOST]) if owners else ""


def _time(value: Json) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    return found.astimezone(UTC) if found and found.tzinfo else datetime.fromtimestamp(0, UTC)


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
