"""Proofs from the journal's database: that a record is in it, that it only grew, exports that prove themselves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, func, insert, select

from reconciler.audit.proof import lines, merkle, note
from reconciler.audit.proof.chain import parse
from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.record.groups import read_stamp, stamp
from reconciler.audit.store.listing import damaged
from reconciler.audit.store.schema import anchors, checkpoints, happenings, head, nodes, records
from reconciler.model.audit import Event
from reconciler.model.digest import Digest
from reconciler.model.errors import Stalled, Transient
from reconciler.model.happening import Happening

Reading: TypeAlias = Callable[[], AbstractContextManager[Connection]]
_CACHED = 4_096  # subtrees: the proofs of neighbours share most of theirs
_BATCH = 100
_NODE = select(nodes.c.hash).where(nodes.c.level == bindparam("level"), nodes.c.position == bindparam("position"))
_HASH = select(records.c.hash).where(records.c.sequence == bindparam("sequence"))
_AFTER = (
    select(records.c.sequence, records.c.hash, records.c.body)
    .where(records.c.sequence > bindparam("after"), records.c.sequence <= bindparam("last"))
    .order_by(records.c.sequence)
    .limit(_BATCH)
)
_NO_NEWS = tuple(
    map(
        str,
        (
            Happening.AUDIT_START,
            Happening.AUDIT_STOP,
            Happening.ANCHORED,
            Happening.ANCHOR_FAILED,
            Happening.ANCHOR_DIFFERS,
        ),
    )
)
_CHECKPOINT = select(checkpoints.c.size).where(checkpoints.c.size == bindparam("size"))


class _Stored(NamedTuple):
    sequence: int
    hash: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Range:
    """Which records an export holds.

    Attributes:
        first: number of the first; ``last``: of the last, None for the newest.
        earlier: how many of the newest checkpoints that were left outside it lists.
    """

    first: int = 1
    last: int | None = None
    earlier: int = 1_000


def reader(connection: Connection) -> merkle.Read:
    """Complete subtrees as the database holds them.

    Raises:
        Stalled: when asked for one that is not there, or is none.
    """

    @lru_cache(_CACHED)
    def read(level: int, position: int) -> bytes:
        if level == 0:
            found = connection.execute(_HASH, {"sequence": position + 1}).scalar()
            try:
                return merkle.leaf(Digest(str(found)))
            except ValueError:
                raise damaged(f"the hash of record {position + 1} is missing or damaged") from None
        found = connection.execute(_NODE, {"level": level, "position": position}).scalar()
        if not isinstance(found, bytes | memoryview) or len(found) != merkle.HASH_BYTES:
            raise damaged(f"a hash of the journal's tree is missing or damaged (level {level}, {position})")
        return bytes(found)

    return read


def newest(connection: Connection) -> tuple[int, str]:
    """How many records there are, and the signed checkpoint over them (empty where nothing signs)."""
    found = connection.execute(select(head.c.sequence, head.c.checkpoint)).first()
    return (found.sequence, found.checkpoint or "") if found else (0, "")


def root_at(connection: Connection, size: int) -> bytes:
    """The root over the first records.

    Raises:
        Stalled: the tree is damaged.
    """
    read, frontier = reader(connection), []
    begin = 0
    while begin < size:
        level = (size - begin).bit_length() - 1
        frontier.append(read(level, begin >> level))
        begin += 1 << level
    return merkle.Frontier(size, tuple(frontier)).root()


def export(reading: Reading, wanted: Range, at: datetime, key: PublicKey | None) -> Iterator[bytes]:
    """The lines of an export that proves itself, see `lines`.

    Between two batches nothing of the database is held, however slowly the lines are taken: what there is of so many
    records never changes, but for contents that retention deletes.

    Args:
        reading: begins a transaction that sees one state of the database.
        wanted: which records.
        at: now.
        key: that signs; only a hint for who reads.

    Raises:
        Stalled: nothing is signed, there are no such records, or the journal is damaged.
        Transient: retention deleted meanwhile what was about to be exported.
    """
    with reading() as connection:
        size, text = newest(connection)
    last = size if wanted.last is None else wanted.last
    if not 1 <= wanted.first <= last <= size:
        raise Stalled("NoSuchRecords", f"the journal has records 1 to {size}", "Ask for some of these.")
    yield lines.write_header(lines.Header(_origin(text, size), wanted.first, last, size, str(key or ""), stamp(at)))
    part, after = wanted.first != 1 or last != size, wanted.first - 1
    while after < last:
        with reading() as connection:
            batch, read = _rows(connection, after, last), reader(connection)
            _refuse_deleted(connection, batch, size)
            written = [_line(row, size, read, proven=part) for row in batch]
        yield from written
        after = batch[-1].sequence
    with reading() as connection:
        earlier = tuple(_earlier(connection, size, wanted.earlier, reader(connection)))
    yield lines.write_footer(lines.Footer(text, earlier))


def keep_checkpoint(connection: Connection, size: int, text: str, place: str, at: datetime) -> bool:
    """Writes down that a checkpoint was left outside; returns whether that is new."""
    if connection.execute(_CHECKPOINT, {"size": size}).first() is None:
        connection.execute(insert(checkpoints), {"size": size, "time": stamp(at), "text": text})
    here = anchors.c.place == place, anchors.c.size == size
    if connection.execute(select(anchors.c.size).where(*here)).first() is not None:
        return False
    connection.execute(insert(anchors), {"place": place, "size": size, "time": stamp(at)})
    return True


def _rows(connection: Connection, after: int, last: int) -> list[_Stored]:
    batch = [_Stored(*row) for row in connection.execute(_AFTER, {"after": after, "last": last})]
    if not batch or [row.sequence for row in batch] != list(range(after + 1, after + 1 + len(batch))):
        raise damaged(f"a record after {after} is missing")
    return batch


def _refuse_deleted(connection: Connection, batch: Sequence[_Stored], size: int) -> None:
    """What tells of a deletion from after the export began is not in it; nobody could tell that from tampering."""
    gone = [row.sequence for row in batch if row.body is None]
    told = happenings.c.happening == str(Happening.RETENTION_DELETE), happenings.c.entry > size
    since = connection.execute(select(happenings.c.entry).where(*told)).scalars().all() if gone else ()
    for content in connection.execute(select(records.c.body).where(records.c.sequence.in_(since))).scalars():
        ranges = (parse(bytes(content or b"")) or {}).get("ranges")
        for each in ranges if isinstance(ranges, list) else ():
            match each:
                case [int() as first, int() as last] if any(first <= number <= last for number in gone):
                    what = f"retention deleted contents of records {first} to {last} while they were exported"
                    raise Transient("JournalChanged", what, "Export them again.")


def _line(row: _Stored, size: int, read: Callable[[int, int], bytes], *, proven: bool) -> bytes:
    body = None if row.body is None else bytes(row.body)
    proof = merkle.inclusion(row.sequence - 1, size, read) if proven or body is None else None
    return lines.write_record(lines.Record(row.sequence, Digest(row.hash), body, proof))


def _earlier(connection: Connection, size: int, most: int, read: merkle.Read) -> Iterator[lines.Earlier]:
    chosen = select(checkpoints).where(checkpoints.c.size <= size).order_by(checkpoints.c.size.desc()).limit(most)
    for row in reversed(connection.execute(chosen).all()):
        yield lines.Earlier(row.text, merkle.consistency(row.size, size, read))


def _origin(text: str, size: int) -> str:
    try:
        claimed = note.claimed(text)
    except ValueError:
        hint = "Run a controller on it once, which signs it with the key of journal_key_file."
        raise Stalled("JournalNotSigned", "the journal has no signed checkpoint", hint) from None
    if claimed.size != size:
        raise damaged(f"the journal has {size} records, but its checkpoint says {claimed.size}")
    return claimed.origin


def left(connection: Connection) -> dict[str, tuple[int, float]]:
    """Of how many records the newest checkpoint was that was left, and when (seconds since 1970), by place."""
    chosen = select(anchors.c.place, func.max(anchors.c.size), func.max(anchors.c.time)).group_by(anchors.c.place)
    return {row[0]: (row[1], read_stamp(row[2]).timestamp()) for row in connection.execute(chosen)}


def news(connection: Connection, size: int) -> bool:
    """Whether anything was recorded after the first records but starts, stops and what was left outside."""
    after = records.c.sequence > size, records.c.event != str(Event.JOURNAL_STARTED)
    quiet = select(happenings.c.entry).where(happenings.c.entry > size, happenings.c.happening.in_(_NO_NEWS))
    chosen = select(records.c.sequence).where(*after, records.c.sequence.not_in(quiet)).limit(1)
    return connection.execute(chosen).first() is not None


def announcements(connection: Connection) -> Iterator[tuple[str, str]]:
    """The announcements of new keys in order, each with the journal's name that it says."""
    told = happenings.c.happening == str(Happening.KEY_CHANGED)
    chosen = select(records.c.sequence, records.c.body).join(happenings, happenings.c.entry == records.c.sequence)
    for row in connection.execute(chosen.where(told).order_by(records.c.sequence)):
        text = (parse(bytes(row.body or b"")) or {}).get("announcement")
        if isinstance(text, str):
            yield text.partition("\n")[0], text
