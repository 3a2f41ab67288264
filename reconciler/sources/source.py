"""What every source of input offers."""

from typing import Protocol

from reconciler.model.decision import Trigger
from reconciler.model.source import Revision, SourceSnapshot


class Source(Protocol):
    """A place Mapping files come from; it reads and decides nothing."""

    @property
    def describe(self) -> str:
        """The URL or path, as people may see it: no credentials."""

    def fetch(self, previous: Revision | None, trigger: Trigger = Trigger.NEW_REVISION) -> SourceSnapshot:
        """All input files as they are now.

        Args:
            previous: the revision last applied; ``commits_in_range`` and ``fast_forward`` are relative to it.
            trigger: what is known to be new; a source may leave alone what can't be.

        Returns:
            The snapshot. When nothing has changed, an equal or the same object, quickly.

        Raises:
            Stalled: a person must act (credentials, a ref or path that is not there, a limit).
            Transient: try again later (network, forge, disk).
        """

    def close(self) -> None:
        """Release what is held; the source cannot be used afterwards."""
