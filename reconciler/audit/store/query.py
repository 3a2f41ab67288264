"""Reads the journal: entries, records, what is served. Only the bodies asked for are loaded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from reconciler.audit.proof.chain import parse
from reconciler.audit.record.groups import Facts, read_stamp, stamp
from reconciler.audit.store.older import open_intents, records, served_head, touched
from reconciler.audit.store.older import served as served_table
from reconciler.audit.store.served import Kept
from reconciler.model.audit import NOTHING_SERVED, AuditRecord, Event, Served
from reconciler.model.digest import Digest
from reconciler.model.entry import Entry, entry
from reconciler.model.errors import Stalled
from reconciler.model.source import Revision

_BATCH = 100
_MOST_DIGITS = 18  # a number of so many fits the 64 bits of a sequence
_HEADS = (str(Event.INTENT), str(Event.DECISION))
_OLDEST_INTENT = select(func.min(open_intents.c.sequence))
_first, _last = records.alias("first_record"), records.alias("last_record")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; see `Journal.entries`."""

    mapping: str = ""
    author: str = ""
    since: datetime | None = None
    until: datetime | None = None


def entries(connection: Connection, limit: int | None, wanted: Filter) -> list[Entry]:
    """Entries, newest first."""
    chosen = _joined().where(_first.c.event.in_(_HEADS), *_conditions(wanted))
    return [_entry(row) for row in connection.execute(chosen.order_by(_first.c.sequence.desc()).limit(limit))]


def entry_of(connection: Connection, wanted: int | str) -> Entry | None:
    """The entry a sequence belongs to, or the newest one of a commit given by its first digits."""
    text = str(wanted).strip().lower()
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        concluded = select(records.c.intent).where(records.c.sequence == int(text)).scalar_subquery()
        numbered = _joined().where(_first.c.sequence == func.coalesce(concluded, int(text)), _first.c.event.in_(_HEADS))
        found = connection.execute(numbered).first()
        if found is not None or isinstance(wanted, int):
            return _entry(found) if found else None
    if not text:
        return None
    commit = _joined().where(_first.c.commit_sha.startswith(text, autoescape=True), _first.c.event.in_(_HEADS))
    found = connection.execute(commit.order_by(_first.c.sequence.desc()).limit(1)).first()
    return _entry(found) if found else None


def batch_after(connection: Connection, sequence: int) -> list[AuditRecord]:
    """The next records in order; empty after the last."""
    chosen = select(records).where(records.c.sequence > sequence).order_by(records.c.sequence).limit(_BATCH)
    return [_record(row.sequence, row.hash, row.body) for row in connection.execute(chosen)]


def body(connection: Connection, sequence: int) -> Facts:
    """What one record holds."""
    content = connection.execute(select(records.c.body).where(records.c.sequence == sequence)).scalar_one()
    return _parsed(sequence, content)


def oldest_open_intent(connection: Connection) -> int | None:
    """The sequence of the oldest intent that nothing concludes."""
    return connection.execute(_OLDEST_INTENT).scalar()


def served_digest(connection: Connection) -> Digest | None:
    """The snapshot that was last applied."""
    found: str | None = connection.execute(select(served_head.c.snapshot)).scalar()
    return Digest(found) if found else None


def served(connection: Connection) -> Served:
    """The documents that are served, sorted by identity, with the revision and snapshot they make."""
    head = connection.execute(select(served_head)).first()
    if head is None:
        return NOTHING_SERVED
    found = kept(connection).origins
    origins = tuple(found[name] for name in sorted(found))
    revision = Revision.parse(head.revision) if head.revision else None
    return Served(revision, origins, Digest(head.snapshot) if head.snapshot else None)


def kept(connection: Connection) -> Kept:
    """Every served document with the digests of their rows."""
    try:
        return Kept.of(dict(row) for row in connection.execute(select(served_table)).mappings())
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(f"a served document is damaged: {type(error).__name__}") from error


def _joined() -> Select[Any]:
    return select(
        _first.c.sequence,
        _first.c.hash,
        _first.c.body,
        _last.c.sequence.label("last_sequence"),
        _last.c.hash.label("last_hash"),
        _last.c.body.label("last_body"),
    ).select_from(_first.outerjoin(_last, _last.c.intent == _first.c.sequence))


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.mapping:
        namespace, _, name = wanted.mapping.rpartition("/")
        chosen = touched.c.name == name
        if namespace:
            chosen &= touched.c.namespace == namespace
        # A result may concern more than its intent, e.g. what was quarantined.
        concerned = (
            select(func.coalesce(records.c.intent, records.c.sequence))
            .join(touched, touched.c.sequence == records.c.sequence)
            .where(chosen)
        )
        conditions.append(_first.c.sequence.in_(concerned))
    if wanted.author:
        conditions.append(func.lower(_first.c.author).contains(wanted.author.lower(), autoescape=True))
    if wanted.since is not None:
        conditions.append(_first.c.time >= stamp(wanted.since))
    if wanted.until is not None:
        conditions.append(_first.c.time < stamp(wanted.until))
    return conditions


def _entry(row: Row[Any]) -> Entry:
    first = _record(row.sequence, row.hash, row.body)
    last = None if row.last_sequence is None else _record(row.last_sequence, row.last_hash, row.last_body)
    try:
        return entry(first, last)
    except ValueError as error:
        raise _damaged(f"record {row.sequence} is damaged") from error


def _record(sequence: int, digest: str, content: bytes) -> AuditRecord:
    found = _parsed(sequence, content)
    try:
        return AuditRecord(sequence, read_stamp(str(found["time"])), Event(str(found["event"])), found, Digest(digest))
    except (KeyError, ValueError) as error:
        raise _damaged(f"record {sequence} is damaged") from error


def _parsed(sequence: int, content: bytes) -> Facts:
    found = parse(content)
    if found is None:
        raise _damaged(f"record {sequence} is damaged")
    return found


def _damaged(message: str) -> Stalled:
    return Stalled("JournalDamaged", message, "See `reconciler audit verify`; then restore from a backup.")
