"""What applying did, told by whoever really knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.source import Commit, Revision


class AckState(StrEnum):
    """``UNKNOWN``: the transport has no way to say (files)."""

    PENDING = "Pending"
    ACKED = "Acked"
    NACKED = "Nacked"
    UNKNOWN = "Unknown"


class Evidence(StrEnum):
    """How we know."""

    STREAM = "stream"
    ADMIN = "admin"
    READ_BACK = "read-back"
    NONE = "none"


@dataclass(frozen=True, slots=True, order=True)
class Ack:
    """One Envoy's word (or silence) on one type.

    Attributes:
        node: Envoy's node id, or the directory of a file target.
        version: the version asked for.
        detail: Envoy's own error text, truncated, for NACKED.
    """

    target: str
    node: str
    type_url: str
    version: str
    state: AckState
    evidence: Evidence
    detail: str = ""


def untold() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Release:
    """What an apply is done for, for targets that write it beside what they hold.

    Attributes:
        revision: what is served with it; None for a plain directory.
        commit: of that revision, where it is known.
        entry: the journal's number of the intent; None where nobody recorded one.
        written: called by the target once it holds the snapshot, before it waits for anybody's word. Quick.
    """

    revision: Revision | None = None
    commit: Commit | None = None
    entry: int | None = None
    written: Callable[[], None] = field(default=untold, compare=False, repr=False)


UNNAMED = Release()


@dataclass(frozen=True, slots=True)
class Placed:
    """The object of the cluster that a target wrote: which one, and which version of it."""

    target: str
    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class Drift:
    """How what a target holds came to differ from what was applied to it, as far as the target can tell.

    Attributes:
        what: what differs, in words.
        by: who changed it, as the target calls them; empty where nobody knows.
        at: when, aware; None where nobody knows.
    """

    target: str
    what: str
    by: str = ""
    at: datetime | None = None
