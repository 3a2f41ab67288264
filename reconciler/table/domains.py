"""The domains of a listener's virtual hosts, and which of them Envoy picks."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model.names import Names
from reconciler.model.resource import ANY_HOST, HostMatch, MatchKind

_RANK = {MatchKind.ANY: 0, MatchKind.PREFIX: 1, MatchKind.SUFFIX: 2, MatchKind.EXACT: 3}


@dataclass(frozen=True, slots=True)
class Domains:
    """A set of virtual host domains. Envoy picks exact, else the longest suffix, else the longest prefix, else ``*``.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost
    """

    members: frozenset[HostMatch]

    @classmethod
    def of(cls, domains: Iterable[HostMatch]) -> "Domains":
        """The set of ``domains``; a regex is no domain and is left out."""
        return cls(frozenset(domain for domain in domains if domain.kind in _RANK))

    def pick(self, host: str) -> HostMatch | None:
        """The domain whose virtual host answers for ``host`` (without port); None when there is none."""
        host = host.lower()
        exact = HostMatch(MatchKind.EXACT, host)
        if exact in self.members:
            return exact
        return self._wildcard(host)

    def reached(self, pattern: HostMatch) -> tuple[HostMatch, ...]:
        """The domains that may be picked for some host ``pattern`` means, sorted.

        A domain that overlaps but is always outranked by another one that covers all of ``pattern`` is left out.
        """
        if pattern.kind is MatchKind.EXACT:
            picked = self.pick(pattern.value)
            return (picked,) if picked is not None else ()
        covering = self._covering(pattern)
        floor = _rank(covering) if covering is not None else (-1, 0)
        return tuple(sorted({d for d in _names(self.members).overlapping(pattern) if _rank(d) >= floor}))

    def _covering(self, pattern: HostMatch) -> HostMatch | None:
        """The highest-ranking domain that all hosts of a pattern belong to."""
        if pattern.kind is MatchKind.REGEX:
            return ANY_HOST if ANY_HOST in self.members else None
        return next((domain for domain in pattern.covering() if domain in self.members), None)

    def _wildcard(self, host: str) -> HostMatch | None:
        cuts = range(1, len(host))  # a wildcard stands for at least one character
        suffixes = (HostMatch(MatchKind.SUFFIX, host[cut:]) for cut in cuts)
        prefixes = (HostMatch(MatchKind.PREFIX, host[:cut]) for cut in reversed(cuts))
        for candidate in (*suffixes, *prefixes, ANY_HOST):
            if candidate in self.members:
                return candidate
        return None


@lru_cache(maxsize=4)
def _names(members: frozenset[HostMatch]) -> Names:
    """Made once for all patterns that are looked up among them."""
    return Names.of(members)


def _rank(domain: HostMatch) -> tuple[int, int]:
    return _RANK[domain.kind], len(domain.value)
