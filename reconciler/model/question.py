"""What can be asked of the journal, and what it answers. `Answers` is what pages and verbs see of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from reconciler.model.digest import Digest, Json
from reconciler.model.entry import Entry
from reconciler.model.happening import Happening
from reconciler.model.plan import FieldChange, Op
from reconciler.model.provenance import Provenance
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.retention import Erased
from reconciler.model.source import Revision

# What plans tell of field by field.
ROUTE_KINDS = (Kind.MAPPING, Kind.TCP_MAPPING)


class Lack(StrEnum):
    """What an auditor misses of a change. What is not known counts as missing, and is told apart when shown."""

    PULL_REQUEST = "pull-request"
    APPROVAL = "approval"
    SIGNATURE = "signature"
    ACKNOWLEDGEMENT = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Window:
    """The hours in which changes are expected, every week.

    Attributes:
        days: Monday is 0.
        begin, end: local times; an end not after the begin is on the next day.
    """

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are wanted. Every condition must hold; an empty one is none.

    Attributes:
        mapping: what concerns this route: ``name`` or ``namespace/name``.
        namespaces: what concerns routes of these; None for all (also what concerns none).
        author: name or address of somebody who wrote any of it contains this, in any case: an author of one of its
            commits or of a document that changed, or who wrote an object of the cluster.
        commit: the first digits of a commit that is the revision or among those it brought.
        since, until: of the entry's time; not before, and before.
        happened: at least one of these.
        lacking: at least one of these is missing, of entries that changed or would change something served.
        self_approved: the author is the only approver.
        outside: not within these hours.
        kind: what concerns a resource of this kind; with ``mapping``, that name is one of this kind.
        omitting: it brought more commits than its record lists.
        applied: whether something else was served after it; None for either. What lacks something or is out of hours is
            a change that was applied, unless this says otherwise.
        text: subject, reason or message contains this, in any case.
        before: the entry's number is smaller: the next page.
        limit: at most so many; None for all.
    """

    mapping: str = ""
    namespaces: frozenset[str] | None = None
    author: str = ""
    commit: str = ""
    since: datetime | None = None
    until: datetime | None = None
    happened: frozenset[Happening] = frozenset()
    lacking: frozenset[Lack] = frozenset()
    self_approved: bool = False
    outside: Window | None = None
    text: str = ""
    kind: str = ""
    omitting: bool = False
    applied: bool | None = None
    before: int | None = None
    limit: int | None = None

    @property
    def wants_effect(self) -> bool | None:
        """Whether it asks for what took effect, for what did not, or for either: None."""
        if self.applied is None and (self.lacking or self.self_approved or self.outside is not None):
            return True
        return self.applied


EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class RouteChange:
    """What one entry did to one route, or to the document of another resource.

    Attributes:
        op, fields: as the plan told them; no fields where retention deleted the record's contents, and of other
            documents than those of routes.
        before, after: where either side was written.
        applied: False where it was refused, rejected or rolled back, or is under way.
        held: before it, what was written was not served as it is: it may bring what earlier entries held back.
    """

    entry: Entry
    op: Op
    fields: tuple[FieldChange, ...]
    before: Json
    after: Json
    applied: bool
    id: ResourceId
    held: bool = False


@dataclass(frozen=True, slots=True)
class Blamed:
    """One field of a route as it is served, and the change that set it.

    Attributes:
        change: None where nobody knows it any more.
        deleted: then the (newest) entry by which retention deleted what set it, 0 where whoever asks may not know
            which; None where it is from before the journal begins.
    """

    field: str
    value: str
    change: RouteChange | None
    id: ResourceId
    deleted: int | None = None

    @property
    def unknown(self) -> str:
        """Why nobody knows what set it; empty where that is known."""
        if self.change is not None or self.deleted is None:
            return "" if self.change else "before the journal"
        return f"deleted by retention, entry {self.deleted}" if self.deleted else "deleted by retention"


@dataclass(frozen=True, slots=True)
class ServedAt:
    """What was served at a moment.

    Attributes:
        entry: the entry that brought it; None where nothing had been applied yet.
        since: from when on, as the result was recorded; ``until``: the next one, None where it is still served.
        under_way: an apply whose intent was recorded, but whose result was not yet: Envoys may have held either.
        snapshot: digest of what it rendered to.
        documents: digest of the documents, as the result recorded it; ``proven``: they still have it.
        settings: of the process that rendered them, as its start recorded them; empty where that is not known.
        deleted: the entry by which retention deleted all this; None where it did not.
        set_back: a record before the one that this is from which says a time after the moment: the clock was set back,
            and the moment was there more than once; None where there is none.
    """

    moment: datetime
    entry: Entry | None
    since: datetime | None
    until: datetime | None
    under_way: int | None
    revision: Revision | None
    origins: tuple[Origin, ...]
    snapshot: Digest | None
    documents: Digest | None
    proven: bool
    tool_version: str = ""
    settings: dict[str, Json] = field(default_factory=dict)
    deleted: int | None = None
    set_back: int | None = None

    @property
    def unknown(self) -> str:
        """Why it can't be said what was served then; empty where that is known, and proven."""
        if self.set_back is not None:
            return (
                f"the clock was set back after record {self.set_back}: this moment was there more than once, and what "
                "was served the last time is told here; name an entry instead"
            )
        if self.proven:
            return ""
        if self.deleted is not None:
            return f"what was served then was deleted by retention, entry {self.deleted}"
        if self.since is None:
            return "nothing had been applied yet that the journal knows of: what Envoys held from before is not known"
        return "the documents that were served then are not kept, or not those that were recorded"


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version of a document that was served: from which entry on, and until which; None: it still is."""

    id: ResourceId
    provenance: Provenance
    came: Entry
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Volume:
    """What happened in one stretch of time.

    Attributes:
        begin: of the stretch.
        changes: routes created, updated or deleted, applied.
        decisions: entries by what happened, by name.
        lead_times_ms: from commit to acknowledgement, of each entry that has one, sorted.
    """

    begin: datetime
    changes: int
    decisions: dict[str, int]
    lead_times_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint that was left outside."""

    place: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class JournalState:
    """How the journal itself is.

    Attributes:
        records: how many there are; ``pruned``: of how many only the hash is left.
        checkpoint: the newest signed one, as text (C2SP signed note); empty where nothing signs.
        gaps: numbers of entries that tell of a gap, newest first, at most ten.
        place: where it is, without credentials.
    """

    records: int
    pruned: int
    head: Digest | None
    first_at: datetime | None
    last_at: datetime | None
    checkpoint: str
    key: str
    anchors: tuple[Anchored, ...]
    gaps: tuple[int, ...]
    open_intents: tuple[int, ...]
    place: str


class Answers(Protocol):
    """The journal, for those who read. Every method may raise `Stalled` (damaged) and `Transient` (not now)."""

    def entries(self, query: Query = EVERYTHING) -> list[Entry]:
        """The log, newest first: one entry per decision or note, an intent joined with its result."""

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry: by the number of any of its records, or the newest by the first digits of its commit."""

    def erased(self, since: datetime | None = None, until: datetime | None = None) -> Erased | None:
        """The records of a time that retention deleted, which no other answer has; None where there are none."""

    def deletion_of(self, sequence: int) -> int | None:
        """The entry by which retention deleted what a record told; None where it did not."""

    def history(
        self,
        mapping: str,
        limit: int | None = None,
        before: int | None = None,
        kinds: Collection[str] = ROUTE_KINDS,
    ) -> list[RouteChange]:
        """What was done to one route (``name`` or ``namespace/name``), or to resources of other kinds, newest first.

        Of an entry all of it: there may be more than ``limit`` then. No kinds are all.
        """

    def blame(self, mapping: str) -> tuple[Blamed, ...]:
        """Each field of a route as it is served (or was, before it was deleted), with the change that set it."""

    def at(self, moment: datetime | int) -> ServedAt:
        """What was served at a moment, or right after an entry."""

    def version(self, kind: str, namespace: str, name: str, touch: str, moment: datetime) -> ServedVersion | None:
        """The version of a document with this touch (commit or object version) that was served around a moment."""

    def volume(
        self, since: datetime, until: datetime, stretches: int, namespaces: frozenset[str] | None = None
    ) -> Sequence[Volume]:
        """What happened in each of so many equal stretches; of routes of these namespaces alone where some are named.

        Raises:
            ValueError: there is no time between, or no stretch.
        """

    def standing(self) -> JournalState:
        """How the journal itself is."""
