"""Keeps Events from becoming a flood: what is the same becomes a series, and each object has its share. Pure.

The numbers are those of `client-go`'s correlator, so that people know them. Time comes in as seconds, never going back,
and beside them what people call that moment.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from reconciler.announce.notice import Notice, Subject

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be said.

    Attributes:
        object_burst, object_every_s: of one object: so many at once, and one more after so many seconds.
        burst, per_second: of all together.
        similar, similar_s: so many different notes of one object and reason within that time are told apart; more
            become one series.
        series_s: after so long without a word an Event is a new one: the server keeps Events for an hour.
        remembered: how many objects and series are remembered.
    """

    object_burst: int = 25
    object_every_s: float = 300.0
    burst: int = 50
    per_second: float = 5.0
    similar: int = 10
    similar_s: float = 600.0
    series_s: float = 3000.0
    remembered: int = 4096


BOUNDS = Bounds()


@dataclass(slots=True)
class Bucket:
    """Tokens that come back steadily.

    Attributes:
        burst: how many it holds, and holds at first.
        every_s: seconds until one comes back.
    """

    burst: float
    every_s: float
    _tokens: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        self._fill(now)
        return max(0.0, (1 - self._tokens) * self.every_s)

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        if self.wait(now) > 0:
            return False
        self._tokens -= 1
        return True

    def _fill(self, now: float) -> None:
        before, self._at = self._at, now
        if before is not None:
            filled = self._tokens + (now - before) / self.every_s
            # What is left of a token after counting up by parts must not keep one from being whole.
            self._tokens = min(self.burst, round(filled, 9))


@dataclass(frozen=True, slots=True)
class Entry:
    """An Event that is to be written.

    Attributes:
        first_at: when it was first said, as people count time. It stays what it was however clocks go; with the
            notice it tells one Event from all others.
        count: how often it was said, this time among them; 1 is a new Event.
    """

    notice: Notice
    first_at: datetime
    count: int


@dataclass(slots=True)
class _Similar:
    """The notes of one object and reason within a while."""

    since: float
    notes: set[str]


class Correlator:
    """Decides which notices become Events, and which of these are series.

    Args:
        bounds: see `Bounds`.
    """

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self._all = Bucket(bounds.burst, 1 / bounds.per_second)
        self._objects: OrderedDict[tuple[str, str, str], Bucket] = OrderedDict()
        self._similar: OrderedDict[tuple[Subject, str], _Similar] = OrderedDict()
        self._said: OrderedDict[Notice, tuple[Entry, float]] = OrderedDict()

    def wait(self, now: float) -> float:
        """Seconds until anything may be said."""
        return self._all.wait(now)

    def admit(self, notice: Notice, now: float, at: datetime) -> Entry | None:
        """The Event of a notice; None where its object has had its share, or all together have.

        Args:
            notice: what is to be said.
            now: in seconds.
            at: the same moment as people count time, aware.
        """
        if not self._of_object(notice.subject).wait(now) and self._all.take(now):
            self._of_object(notice.subject).take(now)
            return self._entry(self._aggregated(notice, now), now, at)
        return None

    def _of_object(self, subject: Subject) -> Bucket:
        key = subject.kind, subject.namespace, subject.name
        bucket = self._objects.pop(key, None) or Bucket(self._bounds.object_burst, self._bounds.object_every_s)
        self._objects[key] = bucket
        self._shrink(self._objects)
        return bucket

    def _aggregated(self, notice: Notice, now: float) -> Notice:
        key = notice.subject, notice.reason
        similar = self._similar.pop(key, None)
        if similar is None or now - similar.since > self._bounds.similar_s:
            similar = _Similar(now, set())
        self._similar[key] = similar
        self._shrink(self._similar)
        if notice.note in similar.notes:
            return notice
        if len(similar.notes) >= self._bounds.similar:
            return replace(notice, note="many findings of this kind, one after the other; the journal has them all")
        similar.notes.add(notice.note)
        return notice

    def _entry(self, notice: Notice, now: float, at: datetime) -> Entry:
        before, last = self._said.pop(notice, (None, 0.0))
        goes_on = before is not None and now - last <= self._bounds.series_s
        entry = replace(before, count=before.count + 1) if before and goes_on else Entry(notice, at, 1)
        self._said[notice] = entry, now
        self._shrink(self._said)
        return entry

    def _shrink(self, held: OrderedDict[K, V]) -> None:
        while len(held) > self._bounds.remembered:
            held.popitem(last=False)
