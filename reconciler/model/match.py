"""Conditions on the parts of a request: strings, headers, paths and hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.regex import full_match


class MatchKind(StrEnum):
    """How a string is compared. ``REGEX`` is RE2 and must match the whole string."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    REGEX = "regex"
    PRESENT = "present"
    ANY = "any"

    __hash__ = str.__hash__  # that of Enum runs in Python, and every look-up of a condition pays for it


@dataclass(frozen=True, slots=True, order=True)
class StringMatch:
    """A condition on one string; ``value`` is empty for ``PRESENT`` and ``ANY``."""

    kind: MatchKind
    value: str = ""


@dataclass(frozen=True, slots=True, order=True)
class NamedMatch:
    """A condition on a named header (lower case) or query parameter (as written)."""

    name: str
    match: StringMatch


@dataclass(frozen=True, slots=True, order=True)
class PathMatch:
    """``EXACT``, ``PREFIX`` (a plain string prefix) or ``REGEX`` (whole path, without the query)."""

    kind: MatchKind
    value: str
    case_sensitive: bool = True


@dataclass(frozen=True, slots=True, order=True)
class HostMatch:
    """Which hosts: ``ANY`` (``*``), ``EXACT``, ``SUFFIX`` (``*.x`` → ``.x``), ``PREFIX`` (``x.*`` → ``x.``), ``REGEX``.

    Hosts compare without case and without the port: values are lower case, except of ``REGEX``. The ``*`` of a
    ``SUFFIX`` or ``PREFIX`` stands for at least one character, as in Envoy's virtual host domains.
    """

    kind: MatchKind
    value: str = ""

    def __str__(self) -> str:
        match self.kind:
            case MatchKind.ANY:
                return "*"
            case MatchKind.SUFFIX:
                return f"*{self.value}"
            case MatchKind.PREFIX:
                return f"{self.value}*"
            case MatchKind.REGEX:
                return f"~{self.value}"
            case _:
                return self.value

    @property
    def regex(self) -> str:
        """Of a ``REGEX``: the RE2 pattern that compares without case; must match the whole host."""
        return f"(?i){self.value}"

    def matches(self, host: str) -> bool:
        """Whether one host, given without a port, is meant."""
        host = host.lower()
        match self.kind:
            case MatchKind.ANY:
                return True
            case MatchKind.SUFFIX:
                return host.endswith(self.value) and len(host) > len(self.value)
            case MatchKind.PREFIX:
                return host.startswith(self.value) and len(host) > len(self.value)
            case MatchKind.REGEX:
                return full_match(self.regex, host)
            case _:
                return host == self.value

    def covers(self, domain: "HostMatch") -> bool:
        """Whether every host of ``domain`` is meant, so that inside it no further condition is needed.

        Exact for all kinds but ``REGEX``, which covers only itself and single hosts it matches.
        """
        if self.kind is MatchKind.ANY or self == domain:
            return True
        match domain.kind:
            case MatchKind.EXACT:
                return self.matches(domain.value)
            case MatchKind.SUFFIX:
                return self.kind is MatchKind.SUFFIX and domain.value.endswith(self.value)
            case MatchKind.PREFIX:
                return self.kind is MatchKind.PREFIX and domain.value.startswith(self.value)
            case _:
                return False

    def covering(self) -> "Iterator[HostMatch]":
        """What covers this, by kind and length: itself, then the longest suffix, the longest prefix, and all hosts.

        To be looked up one by one where asking each of many whether it covers this would take too long.
        """
        yield self
        length = len(self.value)
        if self.kind in (MatchKind.EXACT, MatchKind.SUFFIX):
            yield from (HostMatch(MatchKind.SUFFIX, self.value[cut:]) for cut in range(1, length))
        if self.kind in (MatchKind.EXACT, MatchKind.PREFIX):
            yield from (HostMatch(MatchKind.PREFIX, self.value[:cut]) for cut in range(length - 1, 0, -1))
        if self.kind is not MatchKind.ANY:
            yield ANY_HOST

    def overlaps(self, other: "HostMatch") -> bool:
        """Whether some host is meant by both. Two patterns of which one is a ``REGEX`` count as overlapping."""
        for one, two in ((self, other), (other, self)):
            if one.kind is MatchKind.EXACT:
                return two.matches(one.value)
        if self.kind is other.kind is MatchKind.SUFFIX:
            return self.value.endswith(other.value) or other.value.endswith(self.value)
        if self.kind is other.kind is MatchKind.PREFIX:
            return self.value.startswith(other.value) or other.value.startswith(self.value)
        return True


ANY_HOST = HostMatch(MatchKind.ANY)
