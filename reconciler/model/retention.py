"""How long the journal keeps contents, and what must be kept for longer."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Records of a time that must not be deleted.

    Attributes:
        number: of the entry that tells of it.
        since, until: of the time; None for the beginning, and for all that is to come.
        released: the entry that ended it; None while it holds.
    """

    number: int
    since: datetime | None
    until: datetime | None
    reason: str
    released: int | None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What one step of retention deleted, or would.

    Attributes:
        entries, records: whose contents; ``versions``: of documents that were served; ``documents``: that nothing else
            needs.
        noted: the entry that tells of it; None where nothing was deleted.
        reached: the last record that was looked at; the next step goes on behind it.
        done: there is nothing left to look at.
    """

    entries: int = 0
    records: int = 0
    versions: int = 0
    documents: int = 0
    noted: int | None = None
    reached: int = 0
    done: bool = True
