"""Entries as the journal's tables have them. Only the bodies of those asked for are read."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from reconciler.audit.proof.chain import parse
from reconciler.audit.record.groups import Facts, read_stamp
from reconciler.audit.store.conditions import conditions, of_commit, took_effect
from reconciler.audit.store.schema import entries as entry_table
from reconciler.audit.store.schema import records
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.entry import Entry, entry
from reconciler.model.errors import Stalled
from reconciler.model.question import Query

_MOST_DIGITS = 18  # a number of so many fits the 64 bits of a sequence
_AT_ONCE = 500  # parameters of one statement; every database takes more
_first, _last = records.alias("first_record"), records.alias("last_record")
_WHOLE: Select[Any] = (
    select(
        entry_table.c.number,
        _first.c.hash,
        _first.c.time,
        _first.c.event,
        _first.c.body,
        _last.c.sequence.label("last_sequence"),
        _last.c.hash.label("last_hash"),
        _last.c.time.label("last_time"),
        _last.c.event.label("last_event"),
        _last.c.body.label("last_body"),
    )
    .join_from(entry_table, _first, _first.c.sequence == entry_table.c.number)
    .outerjoin(_last, (_last.c.sequence == entry_table.c.last) & (entry_table.c.last != entry_table.c.number))
)


def entries(connection: Connection, query: Query) -> list[Entry]:
    """The entries of a query, newest first."""
    # The numbers first: what is sorted and skipped is then small.
    numbers = select(entry_table.c.number).where(*conditions(connection, query))
    found = connection.execute(numbers.order_by(entry_table.c.number.desc()).limit(query.limit)).scalars().all()
    by_number = numbered(connection, found)
    return [by_number[number] for number in found]


def count(connection: Connection, query: Query) -> int:
    """How many entries meet a query, whatever its limit."""
    chosen = select(func.count()).select_from(entry_table).where(*conditions(connection, query))
    return connection.execute(chosen).scalar_one()


def numbered(connection: Connection, numbers: Iterable[int]) -> dict[int, Entry]:
    """Entries by their numbers; there is none for what is the number of none."""
    wanted = list(dict.fromkeys(numbers))
    found: dict[int, Entry] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        chosen = _WHOLE.where(entry_table.c.number.in_(wanted[start : start + _AT_ONCE]))
        found.update((row.number, _entry(row)) for row in connection.execute(chosen))
    return found


def entry_of(connection: Connection, wanted: int | str) -> Entry | None:
    """The entry a record belongs to, by its number, or that of a commit, by its first digits.

    Of several it is the first that was applied with another thing served after it, or else the newest.
    """
    text = str(wanted).strip().lower()
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        belongs = select(records.c.entry).where(records.c.sequence == int(text)).scalar_subquery()
        found = connection.execute(_WHOLE.where(entry_table.c.number == belongs)).first()
        if found is not None or isinstance(wanted, int):
            return _entry(found) if found else None
    applied = select(func.min(entry_table.c.number)).where(*took_effect(), entry_table.c.number.in_(of_commit(text)))
    newest = select(func.max(of_commit(text).subquery().c.entry))
    number = connection.execute(applied).scalar() or connection.execute(newest).scalar()
    return numbered(connection, [number]).get(number) if number is not None else None


def entries_of(connection: Connection, digits: str, limit: int) -> list[Entry]:
    """The entries that brought a commit, given its first digits, oldest first; at most so many."""
    brought = of_commit(digits.strip().lower()).distinct().order_by("entry").limit(limit)
    numbers = [row.entry for row in connection.execute(brought)]
    found = numbered(connection, numbers)
    return [found[number] for number in numbers]


def record_of(sequence: int, digest: str, time: str, event: str, content: bytes | None) -> AuditRecord:
    """A record as its row has it, and whether that is what was written; without a body where retention deleted that.

    Raises:
        Stalled: the row is damaged.
    """
    body, intact = ({}, True) if content is None else _body(sequence, digest, content)
    if intact and body:
        intact = (body.get("sequence"), body.get("time"), body.get("event")) == (sequence, time, event)
    try:
        return AuditRecord(sequence, read_stamp(time), Event(event), body, Digest(digest), intact)
    except ValueError as error:
        raise damaged(f"record {sequence} is damaged") from error


def _body(sequence: int, digest: str, content: bytes) -> tuple[Facts, bool]:
    """What a body holds, and whether it has its hash; then its form need not be checked."""
    if isinstance(content, bytes) and digest_bytes(content) == digest:
        with suppress(ValueError, RecursionError):
            found = json.loads(content)
            if isinstance(found, dict):
                return found, True
    return parsed(sequence, content), False


def parsed(sequence: int, content: bytes) -> Facts:
    """What a body holds.

    Raises:
        Stalled: it is damaged.
    """
    found = parse(content)
    if found is None:
        raise damaged(f"record {sequence} is damaged")
    return found


def damaged(message: str) -> Stalled:
    """What is raised where the database does not hold what was written."""
    return Stalled("JournalDamaged", message, "See `reconciler audit verify`; then restore from a backup.")


def _entry(row: Row[Any]) -> Entry:
    first = record_of(row.number, row.hash, row.time, row.event, row.body)
    last = None
    if row.last_sequence is not None:
        last = record_of(row.last_sequence, row.last_hash, row.last_time, row.last_event, row.last_body)
    try:
        return entry(_present(first), _present(last) if last else None)
    except ValueError as error:
        raise damaged(f"record {row.number} is damaged") from error


def _present(record: AuditRecord) -> AuditRecord:
    """Retention deletes an entry's row with its bodies: a body that is missing while the row is there was taken out."""
    return record if record.body else replace(record, intact=False)
