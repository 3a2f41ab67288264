"""Where a value came from. Every resource, problem, route and audit record carries one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

# What paths of cluster objects begin with. No path in a repository has an empty part, so none can look like one.
CLUSTER_PREFIX = "cluster://"
_ANNOTATED = frozenset({"Service", "Ingress"})


@dataclass(frozen=True, slots=True)
class Touch:
    """The commit that last changed a document: enough to name who and when without the repository."""

    sha: str
    author: str
    committed_at: datetime

    @property
    def key(self) -> str:
        """Tells one touch from all others."""
        return self.sha

    @property
    def at(self) -> datetime:
        """How old a claim is: since it was committed."""
        return self.committed_at

    @property
    def written_at(self) -> datetime:
        """When it was written."""
        return self.committed_at

    def __str__(self) -> str:
        return f"{self.sha[:7]} ({self.author})"


@dataclass(frozen=True, slots=True)
class ObjectTouch:
    """The write to an object of the cluster that last changed what we read of it.

    Attributes:
        uid: of the object (``metadata.uid``).
        resource_version: of the object when this content of it was first seen.
        manager: field manager of that write, as ``metadata.managedFields`` tells; empty where it does not.
        changed_at: when, as the managers say; the creation of the object where nothing tells.
        created_at: when the object was made, as the server says; None where that is not known.
        generation: ``metadata.generation`` of it, for custom resources; 0 where that is not known any more.
    """

    uid: str
    resource_version: str
    manager: str
    changed_at: datetime
    created_at: datetime | None = None
    generation: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """Tells one touch from all others."""
        made = f"@{self.created_at.isoformat()}" if self.created_at else ""
        return f"{_OBJECT}{self.uid}@{self.resource_version}{made}"

    @property
    def at(self) -> datetime:
        """How old a claim is: since the object was made. When it was written anybody may write who may write to it."""
        return self.created_at or self.changed_at

    @property
    def written_at(self) -> datetime:
        """When it was written."""
        return self.changed_at

    def __str__(self) -> str:
        by = f", manager {self.manager}" if self.manager else ""
        return f"resourceVersion {self.resource_version}{by}"


AnyTouch: TypeAlias = Touch | ObjectTouch

_OBJECT = "object:"


def touch_of(key: str, author: str, at: datetime) -> AnyTouch:
    """The touch that a key, its author or manager, and its time were taken from.

    Raises:
        ValueError: the key names an object and is not of that form.
    """
    if not key.startswith(_OBJECT):
        return Touch(key, author, at)
    uid, marker, rest = key.removeprefix(_OBJECT).partition("@")
    if not marker:
        raise ValueError(f"not the key of an object: {key!r}")
    version, _, made = rest.partition("@")
    return ObjectTouch(uid, version, author, at, datetime.fromisoformat(made) if made else None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """A place in a file of the repository, of a plain directory (``touch`` is None there), or in a cluster object.

    Attributes:
        path: of the file, or ``cluster://KIND/NAMESPACE/NAME`` (see `object_path`), with ``/spec`` behind it for the
            rules of an Ingress.
        line: from 1, in the file or in the annotation; 0 means all of it.
    """

    path: str
    line: int = 0
    touch: AnyTouch | None = None

    def __str__(self) -> str:
        if is_cluster_path(self.path):
            kind, namespace, *names = self.path.removeprefix(CLUSTER_PREFIX).split("/", 2)
            name, _, part = "/".join(names).partition("/")
            # What is no annotation has no lines anybody wrote.
            line = f" annotation line {self.line}" if self.line and kind in _ANNOTATED and not part else ""
            place = f"{kind} {namespace}/{name}{f' {part}' if part else ''}{line}"
            return f"{place} ({self.touch})" if self.touch else place
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place} @ {self.touch}" if self.touch else place


def object_path(kind: str, namespace: str, name: str) -> str:
    """The path that stands for an object of the cluster."""
    return f"{CLUSTER_PREFIX}{kind}/{namespace}/{name}"


def is_cluster_path(path: str) -> bool:
    """Whether a path stands for an object of the cluster."""
    return path.startswith(CLUSTER_PREFIX)


def namespace_of(path: str) -> str | None:
    """The namespace of the object a path stands for; None for a file."""
    return path.removeprefix(CLUSTER_PREFIX).split("/", 2)[1] if is_cluster_path(path) else None
