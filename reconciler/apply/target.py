"""What a place to apply to can do."""

from typing import Protocol, runtime_checkable

from reconciler.model.digest import Digest
from reconciler.model.effect import UNNAMED, Ack, Drift, Placed, Release
from reconciler.model.snapshot import Snapshot


class Target(Protocol):
    """Where a snapshot goes. Raises nothing but `Stalled` and `Transient`."""

    @property
    def name(self) -> str:
        """What people and the journal call it, e.g. ``xds`` or ``files:/etc/envoy``."""
        ...

    def observe(self) -> Digest | None:
        """Digest of the snapshot the target holds; None when it holds none or can't tell."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether there is one of it for all replicas of a controller, so that only their leader may write it."""
        ...

    def drift(self) -> tuple[Drift, ...]:
        """Who changed what, where what was last observed is not what was last applied; nothing where nobody knows."""
        ...

    def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Put ``snapshot`` there and say what came of it, by whoever really knows.

        Args:
            snapshot: what Envoys are to hold.
            release: what it is applied for, and who wants to know once it is written.

        Raises:
            Stalled: a person must act.
            Transient: trying again may help.
        """
        ...

    def close(self) -> None:
        """Let go of everything. Applying after it is an error of the caller."""
        ...


@runtime_checkable
class Placing(Protocol):
    """A target that puts what it is given into an object of a cluster."""

    def placed(self) -> Placed | None:
        """Which object, and which version of it was last read or written; None where that is not known."""
        ...
