"""What was served at a moment, and which version of a document; proven by the digest that the record holds."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from reconciler.audit.proof.chain import encode
from reconciler.audit.record.groups import read_stamp
from reconciler.audit.store.conditions import milliseconds
from reconciler.audit.store.listing import damaged, entry_of, numbered, record_of
from reconciler.audit.store.retention import deletion_of, documents_deleted_by
from reconciler.audit.store.schema import documents, entries, happenings, open_intents, records, served, served_states
from reconciler.audit.store.served import NOTHING_KEPT, Kept, from_row, listed_digest
from reconciler.model.audit import AuditRecord
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.entry import Entry
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening
from reconciler.model.question import ServedAt, ServedVersion
from reconciler.model.resource import ResourceId
from reconciler.model.source import Revision

_COLUMNS = (served.c.kind, served.c.namespace, served.c.name, served.c.path, served.c.line)
_TOUCH = (served.c.touch_sha, served.c.touch_author, served.c.touch_time)
_ROWS = select(*_COLUMNS, *_TOUCH, documents.c.body.label("document")).join_from(
    served, documents, documents.c.digest == served.c.document
)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A time, and the last record that had been written by then.

    Attributes:
        set_back: a record before that one which says a later time than this.
    """

    at: datetime
    sequence: int
    set_back: int | None = None


def at(connection: Connection, wanted: datetime | int) -> ServedAt:
    """What was served at a moment, or right after an entry.

    Raises:
        Stalled: there is no such entry, or something is damaged.
    """
    moment = _moment(connection, wanted)
    chosen = select(served_states).where(served_states.c.sequence <= moment.sequence)
    state = connection.execute(chosen.order_by(served_states.c.sequence.desc()).limit(1)).first()
    under_way = _under_way(connection, moment)
    if state is None:
        nothing = ServedAt(moment.at, None, None, None, under_way, None, (), None, None, proven=False)
        return replace(nothing, set_back=moment.set_back)
    kept = kept_at(connection, state)
    record = _record(connection, state.sequence)
    following = select(served_states.c.sequence).where(served_states.c.sequence > state.sequence)
    entry = numbered(connection, [state.entry]).get(state.entry)
    version, settings = _process(connection, entry, state.entry)
    return ServedAt(
        moment=moment.at,
        entry=entry,
        since=record.time,
        until=_time(connection, connection.execute(following.order_by(served_states.c.sequence).limit(1)).scalar()),
        under_way=under_way,
        revision=Revision.parse(state.revision) if state.revision else None,
        origins=tuple(kept.origins[name] for name in sorted(kept.origins)) if kept else (),
        snapshot=Digest(state.snapshot) if state.snapshot else None,
        documents=Digest(state.documents),
        proven=kept is not None and _proves(record, kept),
        tool_version=version,
        settings=settings,
        deleted=_deleted(connection, state, entry) if state.era is None else None,
        set_back=moment.set_back,
    )


def _deleted(connection: Connection, state: Row[Any], entry: Entry | None) -> int | None:
    """The entry by which retention deleted the documents of a state, or else what was told of it."""
    by = documents_deleted_by(connection, [state.sequence])
    return deletion_of(connection, state.entry) if by is None and entry is None else by


def kept_at(connection: Connection, state: Row[Any]) -> Kept | None:
    """The documents of a row of `served_states`; None where they are not kept."""
    if state.era is None:
        return None
    return _kept(connection, served.c.era == state.era, _live(state.sequence)) if state.resources else NOTHING_KEPT


def version(connection: Connection, wanted: ResourceId, touch: str, moment: datetime) -> ServedVersion | None:
    """The version of a document, by the first letters of its touch, that was served nearest to a moment."""
    its = (served.c.kind == str(wanted.kind), served.c.namespace == wanted.namespace, served.c.name == wanted.name)
    chosen = select(
        served.c.came,
        func.max(served.c.until).label("until"),
        func.count().label("rows"),
        func.count(served.c.until).label("ended"),
        func.max(served.c.id).label("id"),
    ).where(*its, served.c.touch_sha.startswith(touch, autoescape=True))
    found = []
    # An era that ends closes a version and begins it again: it is one version all the same.
    for row in connection.execute(chosen.group_by(served.c.came)):
        came = _time(connection, row.came)
        until = _time(connection, row.until) if row.ended == row.rows else None
        if came is not None:
            found.append((_distance(moment, came, until), -row.came, row, until))
    if not found:
        return None
    _, _, row, until = min(found, key=lambda each: each[:2])
    entry = entry_of(connection, row.came)
    place = connection.execute(_ROWS.where(served.c.id == row.id)).mappings().one()
    if entry is None:
        raise damaged(f"record {row.came} is damaged")
    return ServedVersion(wanted, from_row(dict(place)).provenance, entry, until)


def _moment(connection: Connection, wanted: datetime | int) -> _Moment:
    if isinstance(wanted, int):
        entry = entry_of(connection, wanted)
        if entry is None:
            raise Stalled("NoSuchEntry", f"there is no entry {wanted}", "`reconciler audit log` lists them.")
        return _Moment(entry.records[-1].time, entry.records[-1].sequence)
    # The clock may have been set back meanwhile: what was recorded last holds.
    limit = milliseconds(wanted)
    state = select(func.max(served_states.c.sequence)).where(served_states.c.time_ms <= limit)
    begun = select(func.max(entries.c.number)).where(entries.c.time_ms <= limit)
    known = [connection.execute(each).scalar() for each in (state, begun)]
    last = max((each for each in known if each is not None), default=0)
    later = select(served_states.c.sequence).where(served_states.c.time_ms > limit, served_states.c.sequence < last)
    begun_later = select(entries.c.number).where(entries.c.time_ms > limit, entries.c.number < last)
    found = [connection.execute(each.limit(1)).scalar() for each in (later, begun_later)]
    return _Moment(wanted, last, next((each for each in found if each is not None), None))


def _under_way(connection: Connection, moment: _Moment) -> int | None:
    """The newest apply that had begun and not ended yet."""
    # By what is open and what ended: both have an index, and between an apply and the next may be a million records.
    begun = select(func.max(open_intents.c.sequence)).where(open_intents.c.sequence <= moment.sequence)
    still: int | None = connection.execute(begun).scalar()
    chosen = select(records.c.sequence, records.c.intent, records.c.time).where(records.c.intent <= moment.sequence)
    ended = connection.execute(chosen.order_by(records.c.intent.desc()).limit(1)).first()
    if ended is None or (still is not None and still > ended.intent):
        return still
    if ended.sequence <= moment.sequence or read_stamp(ended.time) <= moment.at:
        return None
    return int(ended.intent)


def _proves(record: AuditRecord, kept: Kept) -> bool:
    """Whether the record is as it was written, and says that these documents are served."""
    said = record.body.get("served")
    if not isinstance(said, dict) or digest_bytes(encode(record.body)) != record.hash:
        return False
    digest = listed_digest(kept) if record.body.get("schema") == 1 else kept.tree.digest
    return (said.get("resources"), said.get("documents")) == (len(kept.origins), digest)


def _process(connection: Connection, entry: Entry | None, number: int) -> tuple[str, dict[str, Json]]:
    """Version and settings of the process that wrote an entry, as far as they were recorded."""
    began = select(func.max(happenings.c.entry)).where(
        happenings.c.happening == str(Happening.AUDIT_START), happenings.c.entry <= number
    )
    start = connection.execute(began).scalar()
    facts = _record(connection, start).body if start is not None else {}
    tool = entry.records[0].body.get("tool") if entry else None
    told_before = facts.get("settings_of")
    facts = _record(connection, told_before).body if isinstance(told_before, int) else facts
    settings = facts.get("settings")
    return str(tool.get("version", "")) if isinstance(tool, dict) else "", settings if isinstance(
        settings, dict
    ) else {}


def _kept(connection: Connection, *conditions: ColumnElement[bool]) -> Kept:
    try:
        return Kept.of(dict(row) for row in connection.execute(_ROWS.where(*conditions)).mappings())
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"a served document is damaged: {type(error).__name__}") from error


def _live(sequence: int) -> ColumnElement[bool]:
    return (served.c.since <= sequence) & or_(served.c.until.is_(None), served.c.until > sequence)


def _record(connection: Connection, sequence: int) -> AuditRecord:
    names = (records.c.hash, records.c.time, records.c.event, records.c.body)
    row = connection.execute(select(*names).where(records.c.sequence == sequence)).first()
    if row is None:
        raise damaged(f"record {sequence} is missing")
    return record_of(sequence, row.hash, row.time, row.event, row.body)


def _time(connection: Connection, sequence: int | None) -> datetime | None:
    if sequence is None:
        return None
    found = connection.execute(select(records.c.time).where(records.c.sequence == sequence)).scalar()
    return read_stamp(found) if found else None


def _distance(moment: datetime, came: datetime, until: datetime | None) -> float:
    """Seconds from a moment to the time in which something was served; 0 within it."""
    if moment < came:
        return (came - moment).total_seconds()
    return max((moment - until).total_seconds(), 0.0) if until else 0.0
