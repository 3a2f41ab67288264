"""Whose a host and a path is, found among many rules.

A *space* is the paths below one prefix at one host pattern. One inside another is taken out of it, for its own holders.
Where two overlap and neither lies in the other, such as all of a host and one prefix of all hosts, both have it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.merge.ownership.holders import Claimant, Holders
from reconciler.merge.ownership.reach import host_may_be, host_within, path_may_be, path_within
from reconciler.model.match import HostMatch, MatchKind, PathMatch
from reconciler.model.ownership import WHOLE
from reconciler.model.provenance import Provenance

_REMEMBERED = 100_000  # hosts of which it is known what they overlap
_BY_KIND = {MatchKind.ANY: 0, MatchKind.SUFFIX: 1, MatchKind.EXACT: 2}


@dataclass(frozen=True, slots=True)
class Space:
    """Paths below a prefix at some hosts, and whose they are by which rule."""

    host: HostMatch
    prefix: str
    holders: Holders
    rule: Provenance

    def holds(self, other: "Space") -> bool:
        """Whether another space lies in this one."""
        return self.host.covers(other.host) and other.prefix.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class _AtHost:
    """The spaces of one host pattern.

    Attributes:
        by_prefix: all of them.
        prefixes: sorted, so that what begins alike stands together.
        lengths: of the prefixes, the longest first.
    """

    by_prefix: Mapping[str, Space]
    prefixes: list[str]
    lengths: list[int]

    @classmethod
    def of(cls, by_prefix: Mapping[str, Space]) -> "_AtHost":
        """The spaces, each once."""
        return cls(by_prefix, sorted(by_prefix), sorted({len(prefix) for prefix in by_prefix}, reverse=True))

    def met(self, path: PathMatch) -> Iterator[Space]:
        """Those that hold some path that is asked for, the longest prefix first."""
        if path.kind is MatchKind.REGEX or not path.case_sensitive:
            longest = sorted(self.prefixes, key=lambda prefix: (-len(prefix), prefix))
            yield from (self.by_prefix[prefix] for prefix in longest if path_may_be(path, prefix))
            return
        value = path.value
        if path.kind is MatchKind.PREFIX:
            start = end = bisect_left(self.prefixes, value)
            while end < len(self.prefixes) and self.prefixes[end].startswith(value):
                end += 1
            inner = [prefix for prefix in self.prefixes[start:end] if prefix != value]
            yield from (self.by_prefix[prefix] for prefix in sorted(inner, key=lambda prefix: (-len(prefix), prefix)))
        for length in self.lengths:
            space = self.by_prefix.get(value[:length]) if length <= len(value) else None
            if space is not None:
                yield space


@dataclass(frozen=True, slots=True)
class Spaces:
    """All spaces that documents of one kind may ask for."""

    by_host: Mapping[HostMatch, _AtHost]
    _asked: dict[HostMatch, tuple[_AtHost, ...]] = field(default_factory=dict)  # before, and the answer

    @classmethod
    def of(cls, spaces: Iterable[Space]) -> "Spaces":
        """The index of spaces, each host and prefix once."""
        by_host: dict[HostMatch, dict[str, Space]] = {}
        for space in spaces:
            by_host.setdefault(space.host, {})[space.prefix] = space
        return cls({host: _AtHost.of(found) for host, found in by_host.items()})

    def met(self, host: HostMatch, path: PathMatch) -> Iterator[Space]:
        """Those that hold some request that is asked for; what lies in another comes before it."""
        for at in self._at(host):
            yield from at.met(path)

    def trespass(
        self, claimant: Claimant, host: HostMatch, path: PathMatch, yields: Callable[[Space], bool]
    ) -> Space | bool:
        """The first space of others that is asked for without a right to it; False for none.

        True: nobody but the rules' silence decides about a part of what is asked for.

        A claim that is wider than a space of others and gives way to all that can be claimed there is right: at a part
        of a host for everybody, at a whole host for whoever holds a space around it.

        Args:
            claimant: who asks.
            host: what is asked for.
            path: the same.
            yields: whether the claim gives way to all claims inside a space.
        """
        whole = False
        for space in self.met(host, path):
            within = host_within(host, space.host) and path_within(path, space.prefix)
            if space.holders.include(claimant):
                if within:
                    return False  # what lies in it came before, and what does not has no say in it
            elif not self._is_excused(claimant, space, host, path, yields):
                return space
            whole = whole or within
        return not whole

    def _is_excused(
        self, claimant: Claimant, space: Space, host: HostMatch, path: PathMatch, yields: Callable[[Space], bool]
    ) -> bool:
        """Whether a claim may reach into a space of others: it is not theirs there, or not theirs alone, or no harm."""
        met = list(self.met(host, path))
        beside = [one for one in met if one is not space and _holds_claim(one, space, host, path)]
        if any(space.holds(one) for one in beside):
            return True
        foreign = [one for one in met if not one.holders.include(claimant)]
        for one in beside:
            own = one.holders.include(claimant) and not one.holds(space)
            if own and not any(one.holds(other) for other in foreign):
                return True
        return yields(space) and self._may_stay_behind(claimant, space)

    def _at(self, host: HostMatch) -> Iterable[_AtHost]:
        """The hosts that overlap one, the most specific first."""
        if not self.by_host:
            return ()
        known = self._asked.get(host)
        if known is not None:
            return known
        if len(self._asked) > _REMEMBERED:
            self._asked.clear()
        if host.kind is MatchKind.EXACT:
            known = tuple(self._around(host))
        else:
            hosts = sorted(self.by_host, key=lambda one: (-_BY_KIND[one.kind], -len(one.value), one.value))
            known = tuple(self.by_host[one] for one in hosts if host_may_be(host, one))
        self._asked[host] = known
        return known

    def _around(self, host: HostMatch) -> Iterator[_AtHost]:
        """The hosts that cover a name or suffix, itself among them; the longest first. Suffixes begin with a dot."""
        if host in self.by_host:
            yield self.by_host[host]
        dot = host.value.find(".", 1)
        while dot > 0:
            suffix = self.by_host.get(HostMatch(MatchKind.SUFFIX, host.value[dot:]))
            if suffix is not None:
                yield suffix
            dot = host.value.find(".", dot + 1)
        everywhere = self.by_host.get(HostMatch(MatchKind.ANY))
        if everywhere is not None and host.kind is not MatchKind.ANY:
            yield everywhere

    def _may_stay_behind(self, claimant: Claimant, space: Space) -> bool:
        if space.prefix != WHOLE:
            return True
        wider = (found for at in self._around(space.host) for found in at.by_prefix.values())
        return any(one is not space and one.holders.include(claimant) and one.holds(space) for one in wider)


def _holds_claim(one: Space, space: Space, host: HostMatch, path: PathMatch) -> bool:
    """Whether all that is asked for in a space lies in another one, too."""
    return (host_within(host, one.host) or one.host.covers(space.host)) and (
        path_within(path, one.prefix) or space.prefix.startswith(one.prefix)
    )
