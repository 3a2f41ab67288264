"""Whether somebody wants nothing to be applied."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suspension:
    """What is wished for.

    Attributes:
        wanted: that nothing is applied; None where the wish could not be read yet.
        by: who wishes it, as the API server calls them; empty where it does not say.
        through: where they said so.
    """

    wanted: bool | None
    by: str = ""
    through: str = ""

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"{by} through {self.through}" if self.through else by


NOT_SUSPENDED = Suspension(wanted=False)
