"""The target ``none``: for looking without touching."""

from reconciler.model.digest import Digest
from reconciler.model.effect import Ack
from reconciler.model.snapshot import Snapshot


class DryRunTarget:
    """Takes every snapshot, acknowledges nothing and keeps nothing."""

    name = "none"

    def observe(self) -> Digest | None:
        """Nothing is ever held."""
        return None

    def apply(self, snapshot: Snapshot) -> tuple[Ack, ...]:  # noqa: ARG002 - the protocol's name
        """Touch nothing; nobody is there to answer."""
        return ()

    def close(self) -> None:
        """There is nothing to let go of."""
