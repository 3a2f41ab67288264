"""Where a route was written, as records tell it, for people."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN
from reconciler.model.plan import Op
from reconciler.model.question import RouteChange

_SHORT = 7  # of a commit


@dataclass(frozen=True, slots=True)
class Written:
    """Who wrote one side of a route where, and when; what is not known is ``unknown``.

    Attributes:
        commit: of git, or the version of the object in the cluster.
        date: RFC 3339.
        place: ``file:line``, or the object.
    """

    commit: str
    author: str
    date: str
    place: str


def written(change: RouteChange) -> Written:
    """Who wrote what a change brought; for a deletion, what it took."""
    place = change.before if change.op is Op.DELETE else change.after
    if not isinstance(place, dict):
        return Written(change.entry.commit or UNKNOWN, change.entry.author or UNKNOWN, UNKNOWN, UNKNOWN)
    found = place.get("object")
    if isinstance(found, dict):
        version, manager = str(found.get("resource_version", UNKNOWN)), str(found.get("manager", UNKNOWN))
        return Written(version, manager, str(found.get("changed_at", UNKNOWN)), placed(place))
    return Written(
        str(place.get("commit") or UNKNOWN),
        str(place.get("author") or UNKNOWN),
        str(place.get("committed_at") or UNKNOWN),
        placed(place),
    )


def placed(place: Json) -> str:
    """``file:line``."""
    if not isinstance(place, dict):
        return UNKNOWN
    line = place.get("line")
    return f"{place.get('path', UNKNOWN)}:{line}" if line else str(place.get("path", UNKNOWN))


def short(commit: str) -> str:
    """The first digits of a commit; other words whole."""
    digits = all(letter in "0123456789abcdef" for letter in commit)
    return commit[:_SHORT] if digits and len(commit) > _SHORT else commit
