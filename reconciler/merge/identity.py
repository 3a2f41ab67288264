"""One version per identity: duplicates, rejected documents and unreadable files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from reconciler.merge.ledger import NEVER, Entry
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import Rejected, Resource, ResourceId
from reconciler.model.source import Realm, realm_of

_BY_PARTS = attrgetter("kind", "namespace", "name")  # the order of a ResourceId, several times faster


@dataclass(frozen=True, slots=True)
class Unseen:
    """Where something may stand that could not be read: paths, and whole realms."""

    paths: frozenset[str]
    realms: frozenset[Realm]

    def __contains__(self, path: object) -> bool:
        """Whether a path is one of them, or in one of them."""
        return path in self.paths or (isinstance(path, str) and self.hides(path))

    def hides(self, path: str | None) -> bool:
        """Whether a path is in a realm of which nothing is known."""
        return path is not None and bool(self.realms) and realm_of(path) in self.realms

    def with_paths(self, paths: Iterable[str]) -> "Unseen":
        """These and some more."""
        return Unseen(self.paths.union(paths), self.realms)


def enter(
    resources: Sequence[Resource],
    rejected: Sequence[Rejected],
    last_good: Sequence[Resource],
    held: Collection[ResourceId],
    unseen: Unseen,
    precedence: Realm,
) -> tuple[dict[ResourceId, Entry], tuple[Problem, ...]]:
    """What is known of every identity, in order of identity, and a Problem for every duplicate.

    - An identity that is defined in both realms: that of ``precedence`` has it, the others are shadowed.
    - One that is defined more than once there: the document in the file that serves it now, then the oldest wins.
      Objects of the cluster that say the same are one.
    - Its document was rejected, in the file that serves it now or with no good one elsewhere; or it is held: there is
      no current version.
    - A rejected document of unknown identity, or what could not be read, claims every identity that is served from
      there and is not defined elsewhere.
    """
    served = {resource.origin.id: resource for resource in last_good}
    candidates: dict[ResourceId, list[Resource]] = defaultdict(list)
    for resource in resources:
        candidates[resource.origin.id].append(resource)
    broken: dict[ResourceId, set[str]] = defaultdict(set)
    for document in rejected:
        if document.id is not None:
            broken[document.id].add(document.path)
    dark = unseen.with_paths(document.path for document in rejected if document.id is None)

    entries: dict[ResourceId, Entry] = {}
    problems: list[Problem] = []
    for id_ in sorted(candidates.keys() | broken.keys() | served.keys(), key=_BY_PARTS):
        last = served.get(id_)
        home = last.origin.provenance.path if last else None
        ranked = candidates.get(id_, [])
        if len(ranked) > 1:
            ranked = sorted(ranked, key=lambda resource: _claim(resource, home, precedence))
        lost_home = _is_lost(home, id_, broken, dark, ranked, precedence)
        current = ranked[0] if ranked and not lost_home and id_ not in held else None
        claimed = bool(ranked) or id_ in broken or (home is not None and home in dark)
        entries[id_] = Entry(id_, current, last, claimed, not ranked and id_ not in broken and unseen.hides(home))
        winner = last if lost_home and last is not None else (ranked[0] if ranked else None)
        if winner is not None:
            losers = ranked if lost_home else ranked[1:]
            problems.extend(_duplicate(loser, winner) for loser in losers)
    return entries, tuple(problems)


def held_problems(entries: Mapping[ResourceId, Entry], held: Mapping[ResourceId, Problem]) -> Iterable[Problem]:
    """Why identities of this revision are held; one whose document is gone has nothing left to hold."""
    return (held[id_] for id_ in sorted(held) if id_ in entries and entries[id_].claimed)


def _is_lost(
    home: str | None,
    id_: ResourceId,
    broken: Mapping[ResourceId, Collection[str]],
    dark: Unseen,
    ranked: Sequence[Resource],
    precedence: Realm,
) -> bool:
    """Whether what is served stays since nobody knows what its own place says of it now.

    A document elsewhere in its own realm may take over where that place is dark: there it was moved. One of the other
    realm may not: it waits behind, shadowed, and may be years old.
    """
    if home is None or (ranked and _outranks(ranked[0], home, precedence)):
        return False
    if home in broken.get(id_, ()):
        return True
    return home in dark and bool(ranked) and realm_of(ranked[0].origin.provenance.path) is not realm_of(home)


def _outranks(resource: Resource, home: str | None, precedence: Realm) -> bool:
    """Whether a document is of the realm that has precedence, and what is served is not."""
    if home is None or realm_of(home) is precedence:
        return False
    return realm_of(resource.origin.provenance.path) is precedence


def _claim(
    resource: Resource, home: str | None, precedence: Realm
) -> tuple[bool, bool, bool, datetime, str, int, bytes]:
    """Sort key of documents of one identity: realm, served from this file, oldest touch (none: last), place, text."""
    place = resource.origin.provenance
    age = place.touch.at if place.touch else NEVER
    return (
        realm_of(place.path) is not precedence,
        place.path != home,
        place.touch is None,
        age,
        place.path,
        place.line,
        resource.origin.document,
    )


def _agree(one: Resource, other: Resource) -> bool:
    """Whether objects of the cluster say the same, word for word.

    A chart copies its annotations to several Services, and Ingresses that share a host name its certificate each.
    """
    places = (one.origin.provenance.path, other.origin.provenance.path)
    return one.origin.document == other.origin.document and all(realm_of(path) is Realm.CLUSTER for path in places)


def _duplicate(loser: Resource, winner: Resource) -> Problem:
    if realm_of(loser.origin.provenance.path) is not realm_of(winner.origin.provenance.path):
        return _shadowed(loser, winner)
    if _agree(loser, winner):
        return _same(loser, winner)
    return Problem(
        Code.DUPLICATE_IDENTITY,
        Severity.ERROR,
        f"defined twice; {winner.origin.provenance} is served and this document is not",
        loser.origin.provenance,
        field="metadata.name",
        expected="a name used once per kind and namespace",
        hint="Rename or remove one of the two",
        resource=str(loser.origin.id),
        related=(winner.origin.provenance,),
    )


def _same(loser: Resource, winner: Resource) -> Problem:
    """Nothing is wrong, but a change of either of them concerns both."""
    return Problem(
        Code.DUPLICATE_IDENTITY,
        Severity.INFO,
        f"is said, word for word, by {winner.origin.provenance}, too; both are one",
        loser.origin.provenance,
        field="metadata.name",
        resource=str(loser.origin.id),
        related=(winner.origin.provenance,),
    )


def _shadowed(loser: Resource, winner: Resource) -> Problem:
    """Both realms define it: nothing is wrong, and nobody should have to guess which is served."""
    other = realm_of(winner.origin.provenance.path)
    return Problem(
        Code.SHADOWED,
        Severity.INFO,
        f"is shadowed by {winner.origin.provenance}, which is served: {other} has precedence",
        loser.origin.provenance,
        field="metadata.name",
        hint="Remove one of the two when the move is done, or set `precedence`",
        resource=str(loser.origin.id),
        related=(winner.origin.provenance,),
    )
