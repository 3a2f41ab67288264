"""Which version of every identity is served: the current one, the last good one, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from reconciler.model.resource import Resource, ResourceId
from reconciler.model.source import Realm, realm_of

NEVER = datetime.max.replace(tzinfo=UTC)  # the age of what has no commit: behind everything that has one


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one identity.

    Attributes:
        current: the version of this revision that may be served; None when it has none.
        last_good: the version served now.
        claimed: this revision still has, or may have, a document of this identity, good or bad.
        unseen: that is all that is known of it, since the realm it is served from is dark.
    """

    id: ResourceId
    current: Resource | None
    last_good: Resource | None
    claimed: bool
    unseen: bool = False

    @property
    def unchanged(self) -> bool:
        """Whether the current document says what is served now."""
        if self.current is None or self.last_good is None:
            return False
        return self.current.origin.document == self.last_good.origin.document


class Place(IntEnum):
    """Which version serves."""

    CURRENT = 0
    DELETED = 1
    LAST_GOOD = 2
    ABSENT = 3


@dataclass(slots=True)
class Ledger:
    """The places of all identities while conflicts are settled; lives inside one ``merge`` only.

    Attributes:
        entries: in order of identity, and so is everything made of them.
        places: of every entry, in the same order.
        precedence: whose documents win over those of the other realm.
        guests: last good versions that came back because their current version lost elsewhere; they give way again.
    """

    entries: Mapping[ResourceId, Entry]
    places: dict[ResourceId, Place]
    precedence: Realm = Realm.GIT
    guests: set[ResourceId] = field(default_factory=set)

    @classmethod
    def open(cls, entries: Mapping[ResourceId, Entry], precedence: Realm = Realm.GIT) -> "Ledger":
        """Every identity at its best version: current, or last good where its document gives none."""
        return cls(entries, {id_: _start(entry) for id_, entry in entries.items()}, precedence)

    def version(self, id_: ResourceId) -> Resource | None:
        """The version that serves, None for none."""
        return _version(self.entries[id_], self.places[id_])

    def yield_place(self, id_: ResourceId) -> None:
        """A loser's next best: its last good version as a guest if that differs, otherwise nothing."""
        entry = self.entries[id_]
        if self.places[id_] is Place.CURRENT and entry.last_good is not None and not entry.unchanged:
            self.places[id_] = Place.LAST_GOOD
            self.guests.add(id_)
        else:
            self.drop(id_)

    def restore(self, id_: ResourceId) -> None:
        """Back to the last good version, with a right to stay."""
        self.places[id_] = Place.LAST_GOOD
        self.guests.discard(id_)

    def drop(self, id_: ResourceId) -> None:
        """Not served at all."""
        self.places[id_] = Place.ABSENT
        self.guests.discard(id_)

    def seniority(self, version: Resource, incumbent: bool) -> tuple[bool, bool, bool, bool, datetime, str]:
        """Sort key of rivals, the one to keep first.

        By realm, the one that has precedence first; served as it is; ``incumbent``; oldest touch (none: last); name.

        What is served comes before age, which is that of the last touch: else editing the own Mapping, or merging an
        old branch, would hand its requests to a rival. Precedence comes before both: it says where the authority is.

        Args:
            version: the version that serves.
            incumbent: whether what they compete for belongs to this identity now, by its last good version.
        """
        last = self.entries[version.origin.id].last_good
        same = last is not None and last.origin.document == version.origin.document
        place = version.origin.provenance
        touch, behind = place.touch, realm_of(place.path) is not self.precedence
        age = touch.at if touch else NEVER
        return behind, not same, not incumbent, touch is None, age, version.origin.id.qualified

    def served(self) -> tuple[Resource, ...]:
        """All versions that serve, by identity."""
        versions = map(_version, self.entries.values(), self.places.values())
        return tuple(version for version in versions if version is not None)

    def quarantined(self) -> tuple[tuple[ResourceId, bool], ...]:
        """Identities that are not served as the source has them, by identity; True where an older version serves."""
        found = []
        for entry, place in zip(self.entries.values(), self.places.values(), strict=True):
            if place is Place.LAST_GOOD and not entry.unchanged and not entry.unseen:
                found.append((entry.id, True))
            elif place is Place.ABSENT and entry.claimed:
                found.append((entry.id, False))
        return tuple(found)


def _version(entry: Entry, place: Place) -> Resource | None:
    if place is Place.CURRENT:
        return entry.current
    if place is Place.LAST_GOOD:
        # The same document is better told by where it stands now.
        return entry.current if entry.unchanged else entry.last_good
    return None


def _start(entry: Entry) -> Place:
    if entry.current is not None:
        return Place.CURRENT
    if not entry.claimed:
        return Place.DELETED
    return Place.LAST_GOOD if entry.last_good is not None else Place.ABSENT
