"""The entries of a tree in runs, so that a changed one is not put together with all others again.

Keys say where runs begin, by a checksum: a run is the same whichever way it came about, and a key that comes or goes
changes only the run it stands in, or divides or joins two.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from zlib import crc32

from reconciler.envoy.wire_format import Part, divided, joined

_MEAN = 32  # entries in a run: as many are copied for one that changes, and a tree of 10,000 has 300 runs

_first = attrgetter("first")


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that stand one after the other.

    Attributes:
        keys: theirs, sorted; at least one.
        part: the entries, each one field.
    """

    keys: tuple[str, ...]
    part: Part

    @property
    def first(self) -> str:
        """The key it begins with."""
        return self.keys[0]

    def entries(self) -> dict[str, Part]:
        """The entries by key."""
        return dict(zip(self.keys, divided(self.part), strict=True))


def renewed(runs: tuple[Run, ...], gone: Collection[str], put: Mapping[str, Part]) -> tuple[Run, ...]:
    """The runs of the entries without some and with others: the same as those made of all entries at once.

    Args:
        runs: as they are.
        gone: keys of entries that go; they are there.
        put: entries that are new or replace, by key.
    """
    if not runs:
        return tuple(_divided(put))
    come: defaultdict[int, dict[str, Part]] = defaultdict(dict)
    for key in put:
        come[_place(runs, key)][key] = put[key]
    touched = set(come)
    for key in gone:
        place = _place(runs, key)
        touched.add(place)
        if place and runs[place].first == key:
            touched.add(place - 1)  # which goes on where this one began
    changed = list(runs)
    for start, end in reversed(_stretches(touched)):
        entries: dict[str, Part] = {}
        for place in range(start, end):
            entries.update(runs[place].entries())
            entries.update(come.get(place, ()))
        for key in gone:
            entries.pop(key, None)
        changed[start:end] = _divided(entries)
    return tuple(changed)


def _place(runs: tuple[Run, ...], key: str) -> int:
    """The run that a key stands in, or would."""
    return max(bisect_right(runs, key, key=_first) - 1, 0)


def _stretches(places: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours together, each as the first and the one after the last."""
    found: list[tuple[int, int]] = []
    for place in sorted(places):
        if found and found[-1][1] == place:
            found[-1] = found[-1][0], place + 1
        else:
            found.append((place, place + 1))
    return found


def _divided(entries: Mapping[str, Part]) -> Iterator[Run]:
    """Entries as runs."""
    keys: list[str] = []
    for key in sorted(entries):
        if keys and not crc32(key.encode()) % _MEAN:
            yield _run(keys, entries)
            keys = []
        keys.append(key)
    if keys:
        yield _run(keys, entries)


def _run(keys: Sequence[str], entries: Mapping[str, Part]) -> Run:
    return Run(tuple(keys), joined(entries[key] for key in keys))
