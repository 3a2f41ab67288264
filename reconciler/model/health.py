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
class AnchorHealth:
    """One place outside where signed checkpoints of the journal are left.

    Attributes:
        place: as the setting names it.
        size: records of the newest checkpoint that is there; 0 while that isn't known.
        left_at: when it was left, in seconds since 1970; 0 while that isn't known.
        failure: why the place can't be used now; empty while it can.
        differs: why this journal is not the one that left what is there: an alarm; empty while it is.
    """

    place: str
    size: int = 0
    left_at: float = 0.0
    failure: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """All of them.

    Attributes:
        posted, dropped: Events since the start.
        suspended: somebody wants nothing to be applied.
        journal: why the journal can't be written now; empty while it can.
        unrecorded: how much was done that it does not tell of yet.
        anchors: where checkpoints of the journal are left.
        pages: why the pages let nobody in now; empty while they do, and where there are none.
    """

    sources: tuple[SourceHealth, ...] = ()
    posted: int = 0
    dropped: int = 0
    suspended: bool = False
    journal: str = ""
    unrecorded: int = 0
    anchors: tuple[AnchorHealth, ...] = ()
    pages: str = ""
