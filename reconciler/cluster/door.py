"""Requests to the API server as JSON, with time limits, throttling and retries."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.cluster.types import EVERYWHERE, ObjectType, Scope
from reconciler.model.digest import Json
from reconciler.model.errors import Transient

Body = dict[str, Json]


class Conflict(Transient):
    """Somebody else wrote the object in between, owns a field of it, or made it first."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a scope, and the version to watch from."""

    items: tuple[Body, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``."""

    type: str
    object: Body


class Cluster:
    """One API server, as one identity may use it. Safe to use from several threads.

    Every method raises `Stalled` where a person must act (not permitted, an object that the server refuses) and
    `Transient` where it may pass (not reachable, busy, the credentials just expired).
    """

    @property
    def describe(self) -> str:
        """The address of the API server, as people may see it."""
        raise NotImplementedError

    def get(self, kind: ObjectType, namespace: str, name: str) -> Body | None:
        """One object; None where it is not there."""
        raise NotImplementedError

    def list(self, kind: ObjectType, scope: Scope = EVERYWHERE) -> Listing:
        """All objects of a scope, page by page."""
        raise NotImplementedError

    def watch(self, kind: ObjectType, scope: Scope, since: str, seconds: float) -> Iterator[WatchEvent]:
        """What happens to the objects of a scope after a version, for at most some seconds.

        Raises:
            Expired: the server no longer knows that version (410): list again.
        """
        raise NotImplementedError

    def create(self, kind: ObjectType, body: Body) -> Body:
        """Make an object.

        Raises:
            Conflict: it exists.
        """
        raise NotImplementedError

    def replace(self, kind: ObjectType, body: Body) -> Body:
        """Write an object as a whole.

        Raises:
            Conflict: it is not the version in ``metadata.resourceVersion`` any more, or it is gone.
        """
        raise NotImplementedError

    def apply(self, kind: ObjectType, body: Body, manager: str, *, force: bool = False, subresource: str = "") -> Body:
        """Server-side apply: make the object hold these fields, owned by ``manager``.

        Args:
            kind: its type.
            body: name, namespace and the fields; with ``metadata.resourceVersion`` only if it still is that version.
            manager: the field manager.
            force: take fields that others own.
            subresource: such as ``status``.

        Raises:
            Conflict: others own one of the fields, or it is another version.
        """
        raise NotImplementedError

    def delete(self, kind: ObjectType, namespace: str, name: str, *, uid: str = "", resource_version: str = "") -> bool:
        """Delete an object; False where it was not there.

        Raises:
            Conflict: it is not the one with that uid and version.
        """
        raise NotImplementedError

    def serves(self, kind: ObjectType) -> bool:
        """Whether the server knows a type at all (a CRD may not be installed)."""
        raise NotImplementedError

    def close(self) -> None:
        """End what is under way."""
        raise NotImplementedError
