"""PURE: what every object of a cluster says of itself: whose it is, and who wrote what last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.model.provenance import ObjectTouch

Body: TypeAlias = dict[str, Json]
# A place in an object, as `metadata.managedFields` spells it: ("metadata", "annotations", NAME).
FieldPath: TypeAlias = Sequence[str]

UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """The metadata of one object.

    Attributes:
        labels: sorted.
        created_at: aware, UTC.
        managed: ``metadata.managedFields`` as it is.
        generation: 0 where the object has none.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    labels: tuple[tuple[str, str], ...]
    annotations: Body
    created_at: datetime
    managed: tuple[Body, ...]
    generation: int = 0

    @classmethod
    def of(cls, body: Body) -> "Facts":
        """The metadata of an object as the API server gives it; what is not of the usual form counts as missing."""
        metadata = mapping(body.get("metadata"))
        labels = mapping(metadata.get("labels"))
        managed, generation = metadata.get("managedFields"), metadata.get("generation")
        return cls(
            namespace=text(metadata.get("namespace")),
            name=text(metadata.get("name")),
            uid=text(metadata.get("uid")),
            resource_version=text(metadata.get("resourceVersion")),
            labels=tuple(sorted((key, value) for key, value in labels.items() if isinstance(value, str))),
            annotations=mapping(metadata.get("annotations")),
            created_at=_time(metadata.get("creationTimestamp")) or UNKNOWN_TIME,
            managed=tuple(entry for entry in managed if isinstance(entry, dict)) if isinstance(managed, list) else (),
            generation=generation if isinstance(generation, int) else 0,
        )

    def touch(self, path: FieldPath) -> ObjectTouch:
        """The last write of a field: by the latest manager that owns it, or else the nearest field above it."""
        writer = _writer(self.managed, path)
        manager = text(writer.get("manager")) if writer else ""
        written_at = _time(writer.get("time")) if writer else None
        created = None if self.created_at == UNKNOWN_TIME else self.created_at
        return ObjectTouch(
            self.uid, self.resource_version, manager, written_at or self.created_at, created, self.generation
        )


def mapping(value: Json) -> Body:
    """The value, or an empty mapping where it is none."""
    return value if isinstance(value, dict) else {}


def text(value: Json) -> str:
    """The value, or an empty text where it is none."""
    return value if isinstance(value, str) else ""


def items(value: Json) -> list[Json]:
    """The value, or an empty list where it is none."""
    return value if isinstance(value, list) else []


def _writer(managed: Sequence[Body], path: FieldPath) -> Body | None:
    """The entry of the one who wrote a field last.

    See https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management: who owns a field has an
    entry in ``fieldsV1`` under its path, each part with ``f:`` before it. An entry has the time of the last write of
    any field of that manager. Where nobody owns the field, as for parts of what is owned as a whole, it is the nearest
    one above that says who wrote it.
    """
    depths = [(depth, entry) for entry in managed for depth in _owned_depths(entry, path)]
    if not depths:
        return None
    deepest = max(depth for depth, _ in depths)
    owners = [entry for depth, entry in depths if depth == deepest]
    return max(owners, key=lambda entry: (_time(entry.get("time")) or UNKNOWN_TIME, text(entry.get("manager"))))


def _owned_depths(entry: Body, path: FieldPath) -> Iterator[int]:
    """How far down a path an entry goes. One for a subresource, such as the status, says nothing of the rest."""
    if entry.get("subresource"):
        return
    fields = mapping(entry.get("fieldsV1"))
    depth = 0
    for part in path:
        inner = fields.get(f"f:{part}")
        if not isinstance(inner, dict):
            break
        fields, depth = inner, depth + 1
    if depth:
        yield depth


def _time(value: Json) -> datetime | None:
    """An RFC 3339 time, aware, UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else None
