"""Which contents of records were deleted, and which of these deletions the journal itself tells of. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.model.digest import Json

_MOST_RANGES = 1_000_000  # of an export that may be anybody's; what is beyond counts as told by nobody


@dataclass(slots=True)
class Deleted:
    """Ranges of records without content, as they were found, and as later records tell of them.

    Attributes:
        count: how many were found.
    """

    count: int = 0
    _found: list[tuple[int, int, int]] = field(default_factory=list)  # first, last, line of the first
    _told: list[tuple[int, int]] = field(default_factory=list)
    _beyond: int = 0  # how many were found of which no more is known than the first
    _first_beyond: tuple[int, int] | None = None

    def found(self, sequence: int, line: int) -> None:
        """A record without content; they come in order."""
        self.count += 1
        if self._found and self._found[-1][1] == sequence - 1:
            first, _, at = self._found.pop()
            self._found.append((first, sequence, at))
        elif len(self._found) < _MOST_RANGES:
            self._found.append((sequence, sequence, line))
        else:
            self._beyond += 1
            self._first_beyond = self._first_beyond or (sequence, line)

    def told(self, note: dict[str, Json]) -> None:
        """A record that tells of a deletion."""
        ranges = note.get("ranges")
        for each in ranges if isinstance(ranges, list) else []:
            if isinstance(each, list) and len(each) == 2 and len(self._told) < _MOST_RANGES:  # noqa: PLR2004 - from, to
                first, last = each
                if type(first) is int and type(last) is int:
                    self._told.append((first, last))

    def untold(self) -> tuple[int, tuple[int, int] | None]:
        """How many of those that were found nobody told of, and number and line of the first."""
        missing, first = 0, None
        told, at = _merged(self._told), 0
        for begin, end, line in self._found:
            while at < len(told) and told[at][1] < begin:
                at += 1
            for number, many in _outside(begin, end, told, at):
                missing += many
                first = first or (number, line + number - begin)
        return missing + self._beyond, first or self._first_beyond


def _outside(begin: int, end: int, told: list[tuple[int, int]], at: int) -> Iterator[tuple[int, int]]:
    """The parts of a stretch that are in none of those that were told, as first number and length.

    Args:
        begin: of the stretch.
        end: of it, itself among it.
        told: in order; no two touch.
        at: the first that does not end before the stretch begins.
    """
    while begin <= end and at < len(told) and told[at][0] <= end:
        if begin < told[at][0]:
            yield begin, told[at][0] - begin
        begin, at = told[at][1] + 1, at + 1
    if begin <= end:
        yield begin, end - begin + 1


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged
