"""What the API answers with about what was served, and about the journal itself, as types."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.differing import Differing
from reconciler.model.origin import Origin
from reconciler.model.question import JournalState, ServedAt, Volume
from reconciler.web.api.entry_models import EntryModel, FieldModel, PlaceModel


@dataclass(frozen=True, slots=True)
class DocumentModel:
    """A document that was served, as it was written."""

    kind: str
    namespace: str
    name: str
    place: PlaceModel
    document: str

    @classmethod
    def of(cls, origin: Origin) -> "DocumentModel":
        """A document as JSON has it."""
        words = origin.document.decode(errors="replace")
        return cls(str(origin.id.kind), origin.id.namespace, origin.id.name, PlaceModel.at(origin.provenance), words)


@dataclass(frozen=True, slots=True)
class ServedAtModel:
    """What was served at a moment. `proven`: the documents still have the digest that the record names.

    `found` counts all documents, of which this page has some; `under_way` is the number of an apply whose result was
    not recorded yet, so that Envoys may have held either. Where retention deleted all this, `deleted` is the number of
    the entry by which: then there are no documents, and nothing is proven.
    """

    moment: datetime
    entry: EntryModel | None
    since: datetime | None
    until: datetime | None
    under_way: int | None
    revision: str | None
    snapshot: str | None
    proven: bool
    deleted: int | None
    tool_version: str
    found: int
    documents: list[DocumentModel]

    @classmethod
    def of(cls, served: ServedAt, first: int, limit: int) -> "ServedAtModel":
        """A moment, with a page of its documents."""
        return cls(
            moment=served.moment,
            entry=EntryModel.of(served.entry) if served.entry else None,
            since=served.since,
            until=served.until,
            under_way=served.under_way,
            revision=str(served.revision) if served.revision else None,
            snapshot=str(served.snapshot) if served.snapshot else None,
            proven=served.proven,
            deleted=served.deleted,
            tool_version=served.tool_version,
            found=len(served.origins),
            documents=[DocumentModel.of(origin) for origin in served.origins[first : first + limit]],
        )


@dataclass(frozen=True, slots=True)
class DifferingModel:
    """A document that differs between two moments; `more` counts the fields that differ beside those listed."""

    kind: str
    namespace: str
    name: str
    op: str
    fields: list[FieldModel]
    more: int
    before: PlaceModel | None
    after: PlaceModel | None

    @classmethod
    def of(cls, one: Differing) -> "DifferingModel":
        """A difference as JSON has it."""
        places = PlaceModel.of(one.before), PlaceModel.of(one.after)
        named = str(one.id.kind), one.id.namespace, one.id.name
        return cls(*named, str(one.op), FieldModel.all(one.fields), one.more, *places)


@dataclass(frozen=True, slots=True)
class VolumeModel:
    """What happened in one stretch of time, decisions by what happened; lead times from commit to acknowledgement."""

    begin: datetime
    changes: int
    decisions: dict[str, int]
    lead_times_ms: list[int]

    @classmethod
    def of(cls, volume: Volume) -> "VolumeModel":
        """A stretch as JSON has it."""
        return cls(volume.begin, volume.changes, dict(volume.decisions), list(volume.lead_times_ms))


@dataclass(frozen=True, slots=True)
class AnchorModel:
    """A checkpoint that was left where the journal's writer can't take it back."""

    place: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class JournalModel:
    """How the journal itself is. `checkpoint` is a signed note (C2SP), which `key` verifies.

    `withheld` names what is not shown to you: empty and null say nothing of it then.
    """

    records: int
    pruned: int
    head: str | None
    first_at: datetime | None
    last_at: datetime | None
    checkpoint: str
    key: str
    anchors: list[AnchorModel]
    gaps: list[int]
    open_intents: list[int]
    place: str
    withheld: list[str]

    @classmethod
    def of(cls, state: JournalState, withheld: Sequence[str]) -> "JournalModel":
        """The state as JSON has it."""
        return cls(
            records=state.records,
            pruned=state.pruned,
            head=str(state.head) if state.head else None,
            first_at=state.first_at,
            last_at=state.last_at,
            checkpoint=state.checkpoint,
            key=state.key,
            anchors=[AnchorModel(one.place, one.size, one.at) for one in state.anchors],
            gaps=list(state.gaps),
            open_intents=list(state.open_intents),
            place=state.place,
            withheld=list(withheld),
        )
