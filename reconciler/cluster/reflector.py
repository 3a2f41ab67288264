"""A copy of the objects of one type, kept up to date by list and watch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.cluster.door import Body, Cluster
from reconciler.cluster.types import EVERYWHERE, ObjectKey, ObjectType, Scope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy(Generic[T]):
    """The objects at one moment; consistent, never changed afterwards.

    Attributes:
        synced: whether they were ever listed; without that ``objects`` is empty and means nothing.
        generation: grows with every change of ``objects``.
        failure: why the copy can't be kept up to date at the moment; empty while it can.
        stale_s: seconds since the server was last heard of.
    """

    objects: Mapping[ObjectKey, T]
    synced: bool
    generation: int
    failure: str = ""
    stale_s: float = 0.0


class Reflector(Generic[T]):
    """Keeps a copy in a thread of its own: list, then watch from there, again and again.

    Args:
        cluster: the API server.
        kind: which type.
        reduce: what to keep of an object; None for nothing. Called once per version; must be quick and not raise.
        on_change: called after ``objects`` differ, from the thread; must be quick and not raise.
        scope: which objects.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: ObjectType,
        reduce: Callable[[Body], T | None],
        on_change: Callable[[], None],
        scope: Scope = EVERYWHERE,
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Begin; returns at once."""
        raise NotImplementedError

    def copy(self) -> Copy[T]:
        """The objects as they are known now."""
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Whether the objects were listed within that time."""
        raise NotImplementedError

    def close(self) -> None:
        """End the thread."""
        raise NotImplementedError
