"""How many requests each version served. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.audit.trace.finding import Found
from reconciler.audit.trace.line import Line
from reconciler.audit.trace.version import Version

_CLASSES = 6  # of statuses: none, 1xx to 5xx
_MOST = 100_000

Subject: TypeAlias = Version | str  # or why none served it


@dataclass(slots=True)
class Count:
    """Lines of one version, or for one reason of none.

    Attributes:
        classes: by the first digit of the status; the first are connections and requests without an answer.
        first, last: the earliest and the latest time.
    """

    lines: int = 0
    classes: list[int] = field(default_factory=lambda: [0] * _CLASSES)
    first: str = ""
    last: str = ""

    def add(self, line: Line) -> None:
        """One more."""
        self.lines += 1
        kind = line.status // 100
        self.classes[kind if kind < _CLASSES else 0] += 1
        self.last = max(self.last, line.time)
        if not self.first or line.time < self.first:
            self.first = line.time


@dataclass(slots=True)
class Summary:
    """Counts so far.

    Attributes:
        lines: read so far; ``unread``: of them none of ours.
        lost: served, but not found in the journal.
    """

    lines: int = 0
    unread: int = 0
    lost: int = 0
    _counts: dict[tuple[str, int], tuple[Subject, Count]] = field(default_factory=dict)

    def add(self, line: Line, found: Found) -> None:
        """Counts a line; of connections that several versions may have served, for each of them."""
        self.lines += 1
        if found.lost:
            self.lost += 1
            self._of(f"{line.mapping}: {found.lost}").add(line)
        elif found.unserved:
            self._of(str(found.unserved)).add(line)
        elif found.sent_by is not None:
            self._of(f"{line.mapping}: sent by entry {found.sent_by}, which {found.ended}").add(line)
        for version in () if found.unserved else found.versions:
            self._of(version).add(line)

    def skip(self) -> None:
        """A line that is none of ours."""
        self.lines += 1
        self.unread += 1

    def counts(self) -> Iterator[tuple[Subject, Count]]:
        """The most frequent first."""
        yield from sorted(self._counts.values(), key=lambda pair: (-pair[1].lines, pair[1].first))

    def _of(self, subject: Subject) -> Count:
        key = (subject, 0) if isinstance(subject, str) else (f"{subject.kind}/{subject.mapping}", subject.came)
        known = self._counts.get(key)
        if known is None:
            if len(self._counts) >= _MOST:
                return self._counts.setdefault(("all others", 0), ("all others", Count()))[1]
            known = self._counts[key] = subject, Count()
        return known[1]
