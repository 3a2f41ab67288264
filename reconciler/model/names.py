"""Many hosts, looked up by what they overlap."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.match import HostMatch, MatchKind


@dataclass(frozen=True, slots=True)
class Names:
    """Hosts and wildcards, none of them a regex, so that those a wildcard overlaps are found among thousands.

    Attributes:
        by_ending: exact names and suffixes, spelt backwards, sorted: what ends alike stands together.
        others: those by their beginning, and the one for all.
    """

    by_ending: list[tuple[str, HostMatch]]
    others: list[HostMatch]

    @classmethod
    def of(cls, names: Iterable[HostMatch]) -> "Names":
        """These names, each once."""
        ending: list[HostMatch] = []
        others: list[HostMatch] = []
        for name in names:
            (ending if name.kind in (MatchKind.EXACT, MatchKind.SUFFIX) else others).append(name)
        return cls(sorted((name.value[::-1], name) for name in ending), others)

    def overlapping(self, wild: HostMatch) -> Iterator[HostMatch]:
        """The names that a wildcard overlaps, itself perhaps among them."""
        yield from (name for name in self.others if wild.overlaps(name))
        if wild.kind is not MatchKind.SUFFIX:
            yield from (name for _, name in self.by_ending if wild.overlaps(name))
            return
        backwards = wild.value[::-1]
        for at in range(bisect_left(self.by_ending, (backwards,)), len(self.by_ending)):
            spelt, name = self.by_ending[at]
            if not spelt.startswith(backwards):
                break
            if wild.overlaps(name):
                yield name
        for wider in wild.covering():
            place = bisect_left(self.by_ending, (wider.value[::-1], wider))
            if self.by_ending[place : place + 1] == [(wider.value[::-1], wider)]:
                yield wider
