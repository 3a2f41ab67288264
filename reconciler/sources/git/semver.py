"""Semantic versions and ranges over them, as Flux and npm write them.

A range is alternatives joined by ``||``; an alternative is conditions joined by spaces or commas::

    1.2.3  =1.2.3  !=1.2.3  >1.2.3  >=1.0 <2.0      comparisons; missing numbers are zero, except that
    >1.2  <=1.2                                     mean >=1.3.0 and <1.3.0
    1.2  1.2.x  1  *                                any version that begins like this
    ^1.2   >=1.2.0 and below the next number left of which is not zero: <2.0.0, ^0.2 <0.3.0, ^0 <1.0.0
    ~1.2   >=1.2.0 <1.3.0; ~1 is >=1.0.0 <2.0.0
    1.2 - 2.3   >=1.2.0 and any 2.3.x

A pre-release is considered only where a condition names one, e.g. ``>=1.0.0-0``: nobody gets a release
candidate unasked. https://semver.org, https://github.com/Masterminds/semver#checking-version-constraints
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import total_ordering

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    rf"v?(?P<major>\d{{1,9}})\.(?P<minor>\d{{1,9}})\.(?P<patch>\d{{1,9}})"
    rf"(?:-(?P<pre>{_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
_CONDITION = re.compile(
    r"(?P<op>[<>]=?|!=|=|\^|~|)\s*v?(?P<major>\d{1,9}|[xX*])(?:\.(?P<minor>\d{1,9}|[xX*]))?(?:\.(?P<patch>\d{1,9}|[xX*]))?"
    rf"(?:-(?P<pre>{_IDENTIFIERS}))?"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_MAX_LENGTH = 200
_WHOLE = 3  # numbers of a version


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version; build metadata does not take part."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Version | None":
        """``1.2.3`` or ``v1.2.3-rc.1+build``; None for anything else."""
        found = _VERSION.fullmatch(text)
        if found is None:
            return None
        pre = tuple(found["pre"].split(".")) if found["pre"] else ()
        return cls(int(found["major"]), int(found["minor"]), int(found["patch"]), pre)

    def _key(self) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
        # A release follows its pre-releases; numeric identifiers precede the others (semver.org, item 11).
        ranks = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, not self.pre, ranks

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()


@dataclass(frozen=True, slots=True)
class _Bound:
    """One comparison against one version."""

    compare: Callable[[Version, Version], bool]
    version: Version


@dataclass(frozen=True, slots=True)
class _Alternative:
    """Bounds that all must hold."""

    bounds: tuple[_Bound, ...]
    prereleases: bool

    def holds(self, version: Version) -> bool:
        if version.pre and not self.prereleases:
            return False
        return all(bound.compare(version, bound.version) for bound in self.bounds)


@dataclass(frozen=True, slots=True)
class SemverRange:
    """A set of versions; see the module for how it is written."""

    alternatives: tuple[_Alternative, ...]

    @classmethod
    def parse(cls, text: str) -> "SemverRange | None":
        """Read a range; None where it is not one."""
        if len(text) > _MAX_LENGTH:
            return None
        alternatives = [_alternative(part) for part in text.split("||")]
        found = tuple(alternative for alternative in alternatives if alternative is not None)
        return cls(found) if len(found) == len(alternatives) else None

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range."""
        return any(alternative.holds(version) for alternative in self.alternatives)

    def best(self, tags: dict[str, str]) -> str | None:
        """The tag with the highest version in the range; of equal versions the last by name."""
        versions = ((Version.parse(tag), tag) for tag in tags)
        fitting = [(version, tag) for version, tag in versions if version is not None and self.holds(version)]
        return max(fitting)[1] if fitting else None


_NONE = _Bound(operator.lt, Version(0, 0, 0, ("0",)))  # nothing is greater than any version


def _alternative(text: str) -> _Alternative | None:
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    # "> = 1" is not a condition, but ">= 1" is one and not two.
    words = re.sub(r"([<>=^~])\s+(?=[v\dxX*])", r"\1", text).replace(",", " ").split()
    bounds: list[_Bound] = []
    for word in words:
        found = _CONDITION.fullmatch(word)
        if found is None:
            return None
        bounds.extend(_bounds(found))
    return _Alternative(tuple(bounds), prereleases="-" in "".join(words)) if words else None


def _bounds(found: re.Match[str]) -> tuple[_Bound, ...]:
    numbers = _numbers(found)
    low = _padded(numbers, tuple(found["pre"].split(".")) if found["pre"] else ())
    whole = len(numbers) == _WHOLE
    at_least = _Bound(operator.ge, low)
    match found["op"]:
        case "" | "=":
            return (_Bound(operator.eq, low),) if whole else _between(at_least, numbers, len(numbers))
        case "^":
            nonzero = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
            return _between(at_least, numbers, nonzero + 1)
        case "~":
            return _between(at_least, numbers, min(2, len(numbers)))
        case "<=" if not whole:
            return _between(None, numbers, len(numbers))
        case ">" if not whole:
            following = _following(numbers, len(numbers))
            return (_Bound(operator.ge, following) if following else _NONE,)
        case op:
            compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "!=": operator.ne}[op]
            return (_Bound(compare, low),)


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    """The numbers before the first wildcard."""
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        if not (found[name] or "").isdigit():
            break
        numbers.append(int(found[name]))
    return tuple(numbers)


def _padded(numbers: tuple[int, ...], pre: tuple[str, ...]) -> Version:
    major, minor, patch = (*numbers, 0, 0, 0)[:_WHOLE]
    return Version(major, minor, patch, pre)


def _following(numbers: tuple[int, ...], kept: int) -> Version | None:
    """The first version after all that begin with the first ``kept`` numbers; None where nothing is kept."""
    if kept == 0:
        return None
    head = (*numbers[: kept - 1], numbers[kept - 1] + 1)
    # "-0" sorts before every pre-release: 2.0.0-rc.1 is not in ^1.2.
    return _padded(head, ("0",))


def _between(at_least: _Bound | None, numbers: tuple[int, ...], kept: int) -> tuple[_Bound, ...]:
    following = _following(numbers, kept)
    bounds = (at_least, _Bound(operator.lt, following) if following else None)
    return tuple(bound for bound in bounds if bound is not None)
