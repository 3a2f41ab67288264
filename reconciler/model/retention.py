"""How long the journal keeps contents, and what must be kept for longer."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.text import plural

_NAMED = 5  # entries; then how many more


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


@dataclass(frozen=True, slots=True)
class Erased:
    """Records of a time that retention deleted: what they told is not known any more.

    Attributes:
        records: how many; 0 where whoever asks may not know.
        first, last: the smallest and the largest of their numbers; there may be others in between.
        by: the entries that tell of it, oldest first.
    """

    records: int = 0
    first: int = 0
    last: int = 0
    by: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.records:
            return "records of this time were deleted by retention: what they told is not known any more"
        named = ", ".join(str(number) for number in self.by[:_NAMED])
        more = f" and {len(self.by) - _NAMED} more" if len(self.by) > _NAMED else ""
        numbers = f"number {self.first}" if self.first == self.last else f"numbers {self.first} to {self.last}"
        were = "was" if self.records == 1 else "were"
        entries = "entry" if len(self.by) == 1 else "entries"
        told = "it told" if self.records == 1 else "they told"
        return (
            f"{plural(self.records, 'record')} of this time ({numbers}) {were} deleted by retention, {entries} "
            f"{named}{more}: what {told} is not known any more"
        )
