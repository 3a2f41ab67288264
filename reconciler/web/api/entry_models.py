"""What the API answers with about entries of the log, as types; the OpenAPI document is made of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.audit import AuditRecord
from reconciler.model.credit import Credit
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.plan import FieldChange
from reconciler.model.provenance import ObjectTouch, Provenance
from reconciler.model.question import RouteChange
from reconciler.model.retention import Erased
from reconciler.web.narrow import Credited


@dataclass(frozen=True, slots=True)
class PlaceModel:
    """Where something is written: a file of the repository, or an object of the cluster; and who wrote it last."""

    text: str
    path: str
    line: int
    commit: str = ""
    author: str = ""
    resource_version: str = ""
    time: datetime | None = None

    @classmethod
    def of(cls, place: Provenance | None) -> "PlaceModel | None":
        """The place of a document; None for none."""
        return cls.at(place) if place else None

    @classmethod
    def at(cls, place: Provenance) -> "PlaceModel":
        """The place of a document."""
        touch = place.touch
        if touch is None:
            return cls(str(place), place.path, place.line)
        if isinstance(touch, ObjectTouch):
            return cls(str(place), place.path, place.line, "", touch.manager, touch.resource_version, touch.written_at)
        return cls(str(place), place.path, place.line, touch.sha, touch.author, "", touch.written_at)


@dataclass(frozen=True, slots=True)
class EntryModel:
    """One decision or note of the log.

    `happened` says what it was about; `decision` is null for a note, and for an apply that is under way or was
    interrupted. `pull_request` is `unknown`, and `approvers` null, where nobody asked. `acks` counts Envoys by the
    worst state of what they were sent. `lead_ms` is from the commit to the last acknowledgement. Where `intact` is
    false, a record of it is not as it was written: it was damaged or tampered with, and is no evidence.
    `withheld` names what the records tell and is not shown to you: `unknown`, null and empty say nothing of it then.
    """

    number: int
    time: datetime
    finished_at: datetime | None
    trigger: str | None
    decision: str | None
    happened: list[str]
    interrupted: bool
    reason: str
    message: str
    repository: str
    revision: str
    commit: str
    commits: list[str]
    subject: str
    author: str
    committer: str
    pull_request: str
    approvers: list[str] | None
    signed: str
    actor: str
    creates: int
    updates: int
    deletes: int
    quarantined: int
    acks: dict[str, int]
    lead_ms: int | None
    intact: bool
    withheld: list[str]

    @classmethod
    def of(cls, entry: Entry) -> "EntryModel":
        """An entry as JSON has it."""
        return cls(
            number=entry.sequence,
            time=entry.time,
            finished_at=entry.finished_at,
            trigger=str(entry.trigger) if entry.trigger else None,
            decision=str(entry.decision) if entry.decision else None,
            happened=[str(what) for what in entry.happened],
            interrupted=entry.interrupted,
            reason=entry.reason,
            message=entry.message,
            repository=entry.repository,
            revision=entry.revision,
            commit=entry.commit,
            commits=list(entry.commits),
            subject=entry.subject,
            author=entry.author,
            committer=entry.committer,
            pull_request=entry.pull_request,
            approvers=None if entry.approvers is None else list(entry.approvers),
            signed=str(entry.signed),
            actor=entry.actor,
            creates=entry.creates,
            updates=entry.updates,
            deletes=entry.deletes,
            quarantined=entry.quarantined,
            acks=dict(entry.acks),
            lead_ms=entry.lead_ms,
            intact=entry.intact,
            withheld=list(entry.withheld),
        )


@dataclass(frozen=True, slots=True)
class ErasedModel:
    """Records of a time that retention deleted: what they told is not known any more.

    They are among the numbers `first` to `last`; `by` are the entries that tell of it. For who may see some namespaces
    there is only `message`, and the numbers are 0.
    """

    records: int
    first: int
    last: int
    by: list[int]
    message: str

    @classmethod
    def of(cls, erased: Erased | None) -> "ErasedModel | None":
        """As JSON has it; None where nothing was deleted."""
        return cls(erased.records, erased.first, erased.last, list(erased.by), str(erased)) if erased else None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries, newest first. `next` is what `before` takes for the following page; null on the last.

    `erased` is what retention deleted of the time that was asked for, whatever the other conditions: it is not known
    whether any of that met them.
    """

    entries: list[EntryModel]
    next: int | None
    erased: ErasedModel | None


@dataclass(frozen=True, slots=True)
class RecordModel:
    """One record of the hash chain. Where `intact` is false, `body` is not what `hash` was made of.

    For who may see some namespaces it has only what concerns these; `hash` is that of the whole record.
    """

    sequence: int
    time: datetime
    event: str
    hash: str
    body: dict[str, Any]
    intact: bool

    @classmethod
    def of(cls, record: AuditRecord) -> "RecordModel":
        """A record as JSON has it."""
        return cls(record.sequence, record.time, str(record.event), str(record.hash), record.body, record.intact)


@dataclass(frozen=True, slots=True)
class EntryWhole:
    """One entry and the one or two records behind it."""

    entry: EntryModel
    records: list[RecordModel]

    @classmethod
    def of(cls, entry: Entry) -> "EntryWhole":
        """An entry as JSON has it."""
        return cls(EntryModel.of(entry), [RecordModel.of(record) for record in entry.records])


@dataclass(frozen=True, slots=True)
class FieldModel:
    """One field before and after, as people read it; an empty text is absent."""

    field: str
    before: str
    after: str

    @classmethod
    def all(cls, fields: tuple[FieldChange, ...]) -> "list[FieldModel]":
        """All of them."""
        return [cls(one.field, one.before, one.after) for one in fields]


@dataclass(frozen=True, slots=True)
class RouteChangeModel:
    """What one entry did to one route; `applied` is false where it was refused, rejected or rolled back."""

    entry: EntryModel
    op: str
    fields: list[FieldModel]
    before: Any
    after: Any
    applied: bool

    @classmethod
    def of(cls, change: RouteChange) -> "RouteChangeModel":
        """A change as JSON has it."""
        fields = FieldModel.all(change.fields)
        return cls(EntryModel.of(change.entry), str(change.op), fields, change.before, change.after, change.applied)


@dataclass(frozen=True, slots=True)
class WriterModel:
    """Who wrote something, and when (RFC 3339); what is not known is `unknown`."""

    commit: str
    author: str
    date: str


@dataclass(frozen=True, slots=True)
class BlamedModel:
    """One field of a route, and the change that set it; null where nobody knows: `unknown` says why, else empty.

    An entry may bring several commits. `commit` is null where any of `candidates` may have set it, or one of `omitted`
    more that the record does not list; `or_before`: or one before the entry. `elsewhere`: not in the route's own
    document; `document` is the one that changed instead, `place` where that is written. `withheld`: more is known of
    it, and not shown to you. Of an object in a cluster, its version stands for the commit, the manager for the author.
    """

    kind: str
    field: str
    value: str
    change: RouteChangeModel | None
    unknown: str
    commit: str | None
    author: str | None
    date: str | None
    candidates: list[WriterModel]
    omitted: int
    or_before: bool
    elsewhere: bool
    document: str
    place: str | None
    withheld: bool

    @classmethod
    def of(cls, credited: Credited) -> "BlamedModel":
        """A field as JSON has it."""
        blamed, found = credited.blamed, credited.credit or Credit(None, (), None)
        return cls(
            kind=str(blamed.id.kind),
            field=blamed.field,
            value=blamed.value,
            change=RouteChangeModel.of(blamed.change) if blamed.change else None,
            unknown=blamed.unknown,
            commit=found.exact.commit if found.exact else None,
            author=found.exact.author if found.exact else None,
            date=found.exact.date if found.exact else None,
            candidates=[WriterModel(one.commit, one.author, one.date) for one in found.candidates],
            omitted=found.omitted,
            or_before=found.or_before,
            elsewhere=found.elsewhere,
            document=found.document,
            place=_written(found.place),
            withheld=credited.withheld,
        )


def _written(place: Json) -> str | None:
    """``routes/api.yaml:12``; None where that is not known."""
    path = place.get("path") if isinstance(place, dict) else None
    line = place.get("line") if isinstance(place, dict) else None
    return str(Provenance(path, line if isinstance(line, int) else 0)) if isinstance(path, str) else None
