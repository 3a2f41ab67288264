"""A journal in memory that can be left outside: for what leaves checkpoints."""

from dataclasses import dataclass, field

from reconciler.model.errors import Transient
from reconciler.model.happening import Happening, Note
from tests.support.exports import Whole, journal


@dataclass
class Past:
    """A journal in memory that grows by what is noted in it."""

    whole: Whole
    notes: list[Note] = field(default_factory=list)
    kept: list[tuple[str, int]] = field(default_factory=list)
    failing: bool = False
    quiet: set[int] = field(default_factory=set)

    def newest(self) -> tuple[int, str]:
        """Its end."""
        if self.failing:
            raise Transient("JournalReadFailed", "the disk is gone")
        return len(self.whole.hashes), self.whole.checkpoint()

    def root_at(self, size: int) -> bytes:
        """A root of the past."""
        return self.whole.root(size)

    def note(self, note: Note) -> int:
        """One more record."""
        self.notes.append(note)
        self.quiet.add(len(self.whole.hashes) + 1)
        return self.grow()

    def news(self, size: int) -> bool:
        """Whether anything but notes."""
        return any(number not in self.quiet for number in range(size + 1, len(self.whole.hashes) + 1))

    def anchored(self, place: str, size: int, text: str) -> int:
        """Kept and noted in the journal."""
        assert text == self.whole.checkpoint(size)
        if (place, size) in self.kept:
            return 0
        self.kept.append((place, size))
        return self.note(Note(Happening.ANCHORED, "left outside", None, {"places": [place], "size": size}))

    def grow(self, seed: str = "") -> int:
        """One more record."""
        self.whole = journal(len(self.whole.hashes) + 1, seed)
        return len(self.whole.hashes)
