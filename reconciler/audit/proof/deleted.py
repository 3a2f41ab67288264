"""Which contents of records were deleted, and which of these deletions the journal itself tells of. Pure."""

from dataclasses import dataclass, field

from reconciler.model.digest import Json

_MOST_RANGES = 100_000


@dataclass(slots=True)
class Deleted:
    """Ranges of records without content, as they were found, and as later records tell of them.

    Attributes:
        count: how many were found.
    """

    count: int = 0
    _found: list[tuple[int, int, int]] = field(default_factory=list)  # first, last, line of the first
    _told: list[tuple[int, int]] = field(default_factory=list)

    def found(self, sequence: int, line: int) -> None:
        """A record without content; they come in order."""
        self.count += 1
        if self._found and self._found[-1][1] == sequence - 1:
            first, _, at = self._found.pop()
            self._found.append((first, sequence, at))
        elif len(self._found) < _MOST_RANGES:
            self._found.append((sequence, sequence, line))

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
        told = _merged(self._told)
        for begin, end, line in self._found:
            known = sum(max(0, min(end, b) - max(begin, a) + 1) for a, b in told)
            missing += end - begin + 1 - known
            if known < end - begin + 1 and first is None:
                lacking = _first_outside(begin, told)
                first = lacking, line + lacking - begin
        return missing, first


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def _first_outside(begin: int, told: list[tuple[int, int]]) -> int:
    for first, last in told:
        if first <= begin <= last:
            begin = last + 1
    return begin
