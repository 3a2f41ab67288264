"""What a place to apply to can do."""

from typing import Protocol

from reconciler.model.digest import Digest
from reconciler.model.effect import Ack
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

    def apply(self, snapshot: Snapshot) -> tuple[Ack, ...]:
        """Put ``snapshot`` there and say what came of it, by whoever really knows.

        Raises:
            Stalled: a person must act.
            Transient: trying again may help.
        """
        ...

    def close(self) -> None:
        """Let go of everything. Applying after it is an error of the caller."""
        ...
