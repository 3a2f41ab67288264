"""Appends records to the journal: one transaction for a record and all that stands beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from reconciler.audit.proof import note
from reconciler.audit.proof.chain import FIRST_PREVIOUS, seal
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.audit.proof.signing import PublicKey, Signer
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts, read_stamp, stamp
from reconciler.audit.record.projection import LISTED, entry_number, milliseconds
from reconciler.audit.store import database, history, project, schema
from reconciler.audit.store.attaching import End, Left
from reconciler.audit.store.bodies import record_at
from reconciler.audit.store.history import Holding
from reconciler.audit.store.listing import damaged
from reconciler.audit.store.served import Update
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.digest import Digest
from reconciler.model.errors import Stalled

# Made once: putting a statement together takes longer than the database takes to run it.
_HEAD = select(schema.head).with_for_update()
_SET_HEAD, _MOVE_HEAD = insert(schema.head), update(schema.head)
_ADD_RECORD, _ADD_INTENT, _ADD_NODE = map(insert, (schema.records, schema.open_intents, schema.nodes))
_OLDEST_INTENT = select(func.min(schema.open_intents.c.sequence))


# Gives the key that signs a journal of some name; told whether that is being made now, and may have a new one.
KeyOf = Callable[[str, bool], Signer]


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes: the clock, and what signs.

    Attributes:
        origin: which journal it is, as its checkpoints say.
        signer: None where nothing is signed.
        left: the end of the journal as it wrote it.
    """

    clock: Callable[[], datetime]
    origin: str
    signer: Signer | None
    left: Left = field(default_factory=Left)

    @property
    def public(self) -> PublicKey | None:
        """What its signatures are checked with."""
        return self.signer.public if self.signer else None


@dataclass(slots=True)
class Ledger:
    """The journal within one transaction that holds the write lock: where the next record attaches.

    Attributes:
        successor: another key, which signs what is appended here, too, since it signs alone from then on.
    """

    connection: Connection
    hand: Hand
    sequence: int
    hash: Digest
    frontier: Frontier
    checkpoint: str = ""
    successor: Signer | None = None

    def append(self, event: Event, facts: Facts) -> AuditRecord:
        """Seals a record onto the head, and writes what stands beside it but what is served."""
        sequence = self.sequence + 1
        body, content, digest = seal(sequence, stamp(self.hand.clock()), event, self.hash, facts)
        columns = records.columns_of(body)
        self.connection.execute(
            _ADD_RECORD,
            {
                "sequence": sequence,
                "hash": digest,
                "time": columns.time,
                "event": columns.event,
                "entry": columns.entry,
                "intent": columns.intent,
                "body": content,
            },
        )
        self._move(sequence, digest)
        record = AuditRecord(sequence, read_stamp(columns.time), event, body, digest)
        if event in LISTED:
            project.begun(self.connection, record)
        if event is Event.INTENT:
            self.connection.execute(_ADD_INTENT, {"sequence": sequence})
        return record

    def conclude(self, event: Event, first: AuditRecord, facts: Facts) -> AuditRecord:
        """The same for what concludes an intent, which was taken."""
        record = self.append(event, facts)
        project.concluded(self.connection, first, record)
        return record

    def serve(self, record: AuditRecord, held: Holding, change: Update, token: object) -> Holding:
        """Writes what is served from a record on, as that says it."""
        after = history.write(self.connection, held, change, record.sequence, token)
        entry = entry_number(record.sequence, record.event, _intent(record))
        time_ms = milliseconds(record.time)
        history.write_state(self.connection, record.sequence, time_ms, entry, after.era, record.body["served"])
        return after

    def take_intent(self, sequence: int) -> AuditRecord:
        """Marks an intent as concluded and returns it.

        Raises:
            Stalled: it is not open (any more).
        """
        table = schema.open_intents
        if self.connection.execute(delete(table).where(table.c.sequence == sequence)).rowcount != 1:
            raise Stalled(
                "JournalIntentClosed",
                f"record {sequence} of the journal is not an open intent",
                "Another controller uses this journal: run one per state directory.",
            )
        return record_at(self.connection, sequence)

    def interrupt(self, sequence: int, cause: str = "") -> AuditRecord:
        """Closes the intent of a process that died, or could not write the result."""
        first = self.take_intent(sequence)
        return self.conclude(Event.INTERRUPTED, first, records.interrupted(sequence, first.body, cause))

    def _move(self, sequence: int, digest: Digest) -> None:
        """Moves the head to a record, with the Merkle tree and the signature over it."""
        self.frontier, completed = self.frontier.append(leaf(digest))
        if completed:
            nodes = [{"level": each.level, "position": each.position, "hash": each.hash} for each in completed]
            self.connection.execute(_ADD_NODE, nodes)
        signed = ""
        if self.hand.signer is not None:
            checkpoint = note.Checkpoint(self.hand.origin, sequence, self.frontier.root())
            successor = [self.successor] if self.successor else []
            signed = note.signed(checkpoint, *successor, self.hand.signer)
        head = {"id": 1, "sequence": sequence, "hash": digest, "frontier": self.frontier.encode(), "checkpoint": signed}
        self.connection.execute(_MOVE_HEAD if self.sequence else _SET_HEAD, head)
        self.sequence, self.hash, self.checkpoint = sequence, digest, signed

    def leave(self) -> None:
        """Keeps in mind what is written now."""
        self.hand.left.end = End(self.sequence, self.hash, self.frontier, self.checkpoint)


@contextmanager
def writing(engine: Engine, hand: Hand, *, any_end: bool = False) -> Iterator[Ledger]:
    """A transaction that appends; all of it is written, or nothing.

    Args:
        engine: of the database.
        hand: who appends.
        any_end: see `ledger`.

    Raises:
        Transient: it could not be written now.
        Stalled: the database is damaged, or what it ends with was signed by another key, or by none.
    """
    with database.writing(engine) as connection:
        made = ledger(connection, hand, any_end=any_end)
        yield made
    # Not before all of it is written: what is kept in mind must never be more than there is.
    made.leave()


def ledger(connection: Connection, hand: Hand, *, any_end: bool = False) -> Ledger:
    """The end of the journal, locked for this transaction.

    Args:
        connection: holds the write lock.
        hand: who appends.
        any_end: also where the hand's key did not sign it.

    Raises:
        Stalled: the head is damaged, or it was signed by another key, or by none.
    """
    head = connection.execute(_HEAD).first()
    if head is None:
        return Ledger(connection, hand, 0, FIRST_PREVIOUS, Frontier())
    try:
        frontier = Frontier.decode(head.frontier)
    except (TypeError, ValueError) as error:
        raise damaged("the right edge of the journal's tree is damaged") from error
    if frontier.size != head.sequence:
        raise damaged(f"the journal's tree has {frontier.size} leaves, but it has {head.sequence} records")
    if hand.signer is not None and not any_end:
        end = End(head.sequence, Digest(head.hash), frontier, head.checkpoint)
        hand.left.check(connection, end, hand.signer.public, hand.origin)
    return Ledger(connection, hand, head.sequence, Digest(head.hash), frontier, head.checkpoint)


def oldest_open_intent(connection: Connection) -> int | None:
    """The sequence of the oldest intent that nothing concludes."""
    return connection.execute(_OLDEST_INTENT).scalar()


def _intent(record: AuditRecord) -> int | None:
    intent = record.body.get("intent")
    return intent if isinstance(intent, int) else None
