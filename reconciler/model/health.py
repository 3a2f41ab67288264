"""How the parts around the loop are, for metrics and readiness."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source.

    Attributes:
        name: ``git`` or ``cluster``.
        stale_s: seconds since it was last heard of.
        failure: why it can't be read now; empty while it can.
        dark: nothing was heard of it since the start.
        objects: how many files, or objects of the cluster, are read from it.
    """

    name: str
    stale_s: float
    failure: str
    dark: bool
    objects: int


@dataclass(frozen=True, slots=True)
class Health:
    """All of them.

    Attributes:
        posted, dropped: Events since the start.
        suspended: somebody wants nothing to be applied.
    """

    sources: tuple[SourceHealth, ...] = ()
    posted: int = 0
    dropped: int = 0
    suspended: bool = False
