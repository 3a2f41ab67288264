"""Deletes the contents of old records, and what only they need; hashes, chain and tree stay, so all still verifies."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, and_, delete, exists, func, select, update

from reconciler.audit.record import records as texts
from reconciler.audit.record.groups import read_stamp, stamp
from reconciler.audit.record.projection import milliseconds
from reconciler.audit.store.append import Ledger
from reconciler.audit.store.keeping import Kept, candidates, forgotten, holds_now, outlived, stays
from reconciler.audit.store.listing import parsed
from reconciler.audit.store.schema import (
    documents,
    entries,
    entry_commits,
    entry_people,
    happenings,
    people,
    records,
    served,
    served_states,
    touched,
)
from reconciler.audit.store.traces import traces
from reconciler.model.audit import Event
from reconciler.model.digest import Json
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.retention import Deletion
from reconciler.model.text import plural

STEP = 400  # records looked at in one transaction: some 50 ms of work, for which an append has to wait
_FEW = 400  # parameters of one statement; every database takes more


def delete_some(ledger: Ledger, before: datetime, spared: Kept, after: int, actor: Actor) -> Deletion:
    """Deletes among the next records behind one, and records what it deleted.

    Args:
        ledger: the transaction.
        before: what ended before this moment may go.
        spared: what stays, worked out before.
        after: the last record of the step before; 0 at first.
        actor: who wants it.
    """
    if holds_now(ledger.connection) != spared.holds:
        return Deletion(reached=after, done=False)
    _wipe_what_is_freed(ledger.connection)
    numbers, reached = _next(ledger.connection, after, spared)
    if reached is None:
        return Deletion(reached=after)
    going = sorted(set(numbers) - stays(ledger.connection, numbers, spared))
    rows = _rows_of(ledger.connection, going)
    digests = _outlived_documents(ledger.connection, spared, after, reached)
    states = _forget_states(ledger.connection, spared, after, reached)
    if not (rows or digests or states):
        return Deletion(reached=reached, done=reached >= spared.limit)
    versions = ledger.connection.execute(delete(served).where(outlived(spared, after, reached))).rowcount
    freed = _free_documents(ledger.connection, digests)
    _empty(ledger.connection, going)
    done = reached >= spared.limit
    facts: dict[str, Json] = {
        "before": stamp(before),
        **_left_of(ledger.connection, rows),
        "states": [list[Json](one) for one in states],
        "versions": versions,
        "documents": freed,
        "done": done or _first(ledger.connection, reached, spared) is None,
    }
    message = f"the contents of {plural(len(rows), 'record')} from before {stamp(before)} are deleted"
    noted = ledger.append(Event.NOTE, texts.note(Note(Happening.RETENTION_DELETE, message, actor, facts))).sequence
    return Deletion(len(going), len(rows), versions, freed, noted, reached, done)


def would_delete(connection: Connection, spared: Kept) -> Deletion:
    """What all steps together would delete, without those of versions that only deleted ones share."""
    after, counted, many = 0, 0, 0
    while True:
        numbers, reached = _next(connection, after, spared)
        if reached is None:
            break
        going = sorted(set(numbers) - stays(connection, numbers, spared))
        counted += len(going)
        many += len(_rows_of(connection, going))
        after = reached
    ended = select(func.count()).select_from(served).where(outlived(spared, 0, spared.limit))
    return Deletion(counted, many, connection.execute(ended).scalar_one(), reached=after)


def deleted_by(connection: Connection, moment: str) -> int | None:
    """The entry by which retention deleted what was served at a moment (a stamp), or right before; None for none."""
    chosen = select(served_states.c.sequence, served_states.c.era)
    chosen = chosen.where(served_states.c.time_ms <= milliseconds(read_stamp(moment)))
    found = connection.execute(chosen.order_by(served_states.c.sequence.desc()).limit(2)).all()
    return documents_deleted_by(connection, [row.sequence for row in found if row.era is None])


def documents_deleted_by(connection: Connection, results: Sequence[int]) -> int | None:
    """The entry by which retention deleted the documents of one of some results; None where it did not.

    Those of results from before a migration are not kept either, and nobody deleted them.
    """
    for number, facts in deletions(connection) if results else ():
        if any(first <= each <= last for first, last in stretches_of(facts.get("states")) for each in results):
            return number
    return None


def deletion_of(connection: Connection, sequence: int) -> int | None:
    """The entry that tells of the deletion of a record's content; None where none does."""
    for number, facts in deletions(connection):
        if any(first <= sequence <= last for first, last in stretches_of(facts.get("ranges"))):
            return number
    return None


def deletions(connection: Connection) -> Iterator[tuple[int, dict[str, Json]]]:
    """The entries that tell of a deletion, oldest first, with what they tell."""
    told = happenings.c.happening == str(Happening.RETENTION_DELETE)
    chosen = select(records.c.sequence, records.c.body).join(happenings, happenings.c.entry == records.c.sequence)
    for row in connection.execute(chosen.where(told).order_by(records.c.sequence)):
        yield row.sequence, parsed(row.sequence, row.body)


def stretches_of(told: Json) -> Iterator[tuple[int, int]]:
    """Stretches of records as a note tells them, both ends among them."""
    for each in told if isinstance(told, list) else ():
        match each:
            case [int() as first, int() as last]:
                yield first, last


def _wipe_what_is_freed(connection: Connection) -> None:
    """Deleted is what can't be read in the file either; other databases see to that by themselves."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def finished(connection: Connection) -> str:
    """Before which moment (a stamp) all was deleted that need not stay; empty where the newest deletion left some."""
    told = happenings.c.happening == str(Happening.RETENTION_DELETE)
    newest = select(func.max(happenings.c.entry)).where(told).scalar_subquery()
    body = connection.execute(select(records.c.body).where(records.c.sequence == newest)).scalar()
    facts = parsed(0, bytes(body)) if body is not None else {}
    return str(facts.get("before", "")) if facts.get("done") else ""


def _next(connection: Connection, after: int, spared: Kept) -> tuple[Sequence[int], int | None]:
    """The entries that begin among the next records that may go, and how far that reaches; None at the end."""
    first = _first(connection, after, spared)
    if first is None:
        return (), spared.limit if after < spared.limit else None
    reached = min(first + STEP - 1, spared.limit)
    inside = (records.c.sequence >= first, records.c.sequence <= reached, records.c.body.is_not(None))
    return connection.execute(select(records.c.entry).where(*inside).distinct()).scalars().all(), reached


def _first(connection: Connection, after: int, spared: Kept) -> int | None:
    begin = select(func.min(records.c.sequence)).where(records.c.sequence > after, candidates(spared))
    found: int | None = connection.execute(begin).scalar()
    return found


def _rows_of(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """The records of entries, in order."""
    found: list[int] = []
    for some in _few(numbers):
        chosen = select(records.c.sequence).where(records.c.entry.in_(some), records.c.body.is_not(None))
        found += connection.execute(chosen).scalars()
    return sorted(found)


def _outlived_documents(connection: Connection, spared: Kept, after: int, reached: int) -> list[str]:
    chosen = select(served.c.document).where(outlived(spared, after, reached)).distinct()
    return list(connection.execute(chosen).scalars())


def _forget_states(connection: Connection, spared: Kept, after: int, reached: int) -> list[tuple[int, int]]:
    """Of the results that no kept stretch needs the documents go; returns them as stretches, both ends among them."""
    number, going = served_states.c.sequence, forgotten(spared, after, reached)
    among = and_(number.between(after + 1, reached), served_states.c.era.is_not(None))
    chosen = select(number, going.label("going")).where(among).order_by(number)
    found = [(row.sequence, bool(row.going)) for row in connection.execute(chosen)]
    connection.execute(update(served_states).where(going).values(era=None))
    stretches = [[sequence for sequence, _ in group] for gone, group in groupby(found, key=itemgetter(1)) if gone]
    return [(stretch[0], stretch[-1]) for stretch in stretches]


def _free_documents(connection: Connection, digests: Sequence[str]) -> int:
    """Deletes those that no version has any more; how many."""
    freed = 0
    for some in _few(digests):
        unused = ~exists().where(served.c.document == documents.c.digest)
        freed += connection.execute(delete(documents).where(documents.c.digest.in_(some), unused)).rowcount
    return freed


def _empty(connection: Connection, numbers: Sequence[int]) -> None:
    """Deletes the contents of entries and all that was made of them."""
    for some in _few(numbers):
        authors = select(entries.c.author_id).where(entries.c.number.in_(some), entries.c.author_id.is_not(None))
        wrote = select(entry_people.c.person_id).where(entry_people.c.entry.in_(some))
        known = list(connection.execute(authors.union(wrote)).scalars())
        for table in (touched, entry_commits, entry_people, happenings):
            connection.execute(delete(table).where(table.c.entry.in_(some)))
        connection.execute(delete(entries).where(entries.c.number.in_(some)))
        nobody = ~exists().where(entries.c.author_id == people.c.id)
        nothing = ~exists().where(entry_people.c.person_id == people.c.id)
        for few in _few(known):
            connection.execute(delete(people).where(people.c.id.in_(few), nobody, nothing))
        connection.execute(update(records).where(records.c.entry.in_(some)).values(body=None))


def _left_of(connection: Connection, numbers: Sequence[int]) -> dict[str, Json]:
    """Which records they are, and what is left of them."""
    stretches = list(_ranges(numbers))
    return {"ranges": [list[Json](one) for one in stretches], **traces(connection, stretches).facts()}


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers in order as stretches, both ends among them."""
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        stretch = [number for _, number in group]
        yield stretch[0], stretch[-1]


def _few(items: Sequence[str] | Sequence[int]) -> Iterator[list[str | int]]:
    for start in range(0, len(items), _FEW):
        yield list(items[start : start + _FEW])
