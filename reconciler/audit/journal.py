"""The journal's door: intent before, result after, what is served, and every question about it, in one database."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from reconciler.audit.proof.signing import PublicKey, Signer
from reconciler.audit.proofs import Proofs
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts
from reconciler.audit.retaining import Retention
from reconciler.audit.store import append, beginning, bodies, database, history, standing, verify
from reconciler.audit.store.answering import Answering
from reconciler.audit.store.append import Hand, KeyOf, Ledger
from reconciler.audit.store.database import Database
from reconciler.audit.store.versions import RecordedVersions
from reconciler.model.audit import Attempt, AuditRecord, Conclusion, Documents, Event, Served, Verification
from reconciler.model.digest import Digest, Json
from reconciler.model.entry import Entry
from reconciler.model.happening import Happening, Note
from reconciler.model.question import (
    EVERYTHING,
    ROUTE_KINDS,
    Blamed,
    JournalState,
    Query,
    RouteChange,
    ServedAt,
    ServedVersion,
    Volume,
)
from reconciler.model.retention import Erased

Clock = Callable[[], datetime]
DEFAULT_SCHEMA = "reconciler"


class Journal:
    """An append-only, hash-chained record of every decision, and the documents that are and were served.

    Every method raises `Transient` when the database can't be read or written for now (a full disk, a lock, a server
    that is away), in which case nothing of that call was written, and `Stalled` when it is damaged.
    """

    def __init__(self, place: Database, hand: Hand) -> None:
        self._place = place
        self._hand = hand
        self.asked = Answering(place.reader)
        # Saves reading back what is served, and comparing it, at every result. Should a commit fail, the sequence kept
        # here belongs to no state, and it is all read again.
        self._held: history.Holding | None = None

    @classmethod
    def open(
        cls,
        place: Path | str,
        clock: Clock,
        *,
        read_only: bool = False,
        signer: Signer | KeyOf | None = None,
        origin: str = "",
        schema: str = DEFAULT_SCHEMA,
        alone: bool = False,
        adopt: bool = False,
        longest_s: float | None = None,
    ) -> Self:
        """Opens a journal; makes it, and its directory or schema, where there is none, and migrates an older one.

        Args:
            place: a file for SQLite, or the URL of a PostgreSQL database.
            clock: the time now, aware.
            read_only: for verbs that read, beside a running controller too; never changes or makes anything.
            signer: signs a checkpoint with every record, or gives the key that does; None signs nothing.
            origin: which journal it should be by its checkpoints; empty for the one it says it is.
            schema: of PostgreSQL, where its tables are: one journal each.
            alone: for a controller: no second one may write beside it (verbs may).
            longest_s: in a file, what takes longer is broken off: nobody's question may keep a thread busy for ever.
            adopt: also where another key signed it, or none: see `Proofs.adopt`.

        Raises:
            Stalled: it cannot be opened, is missing or older (read-only), damaged, newer than this program, another
                one than ``origin``, or signed by another key.
            Transient: the database can't be reached, or another controller writes it.
        """
        opened = database.connect(place, read_only=read_only, schema=schema, alone=alone, longest_s=longest_s)
        try:
            if read_only:
                beginning.look(opened)
                hand = Hand(clock, origin, signer if isinstance(signer, Signer) else None)
            else:
                hand = beginning.begin(opened, clock, origin, signer, adopt=adopt)
        except BaseException:
            opened.close()
            raise
        return cls(opened, hand)

    def close(self) -> None:
        """Folds everything into the one file, where it is one, and lets go of it."""
        self._place.close()

    def intend(self, attempt: Attempt, *, instead: bool = False) -> int:
        """Records what is about to be applied, before anything is touched; returns the sequence of the intent.

        Args:
            attempt: what.
            instead: of an intent that is still open, because its result could not be written: closes it first.
        """
        facts = records.intent(attempt)
        with append.writing(self._place.writer, self._hand) as ledger:
            abandoned = append.oldest_open_intent(ledger.connection) if instead else None
            if abandoned is not None:
                ledger.interrupt(abandoned, records.NOT_WRITTEN)
            return ledger.append(Event.INTENT, facts).sequence

    def conclude(
        self, sequence: int, conclusion: Conclusion, documents: Documents | None, digest: Digest | None
    ) -> int:
        """Records how an apply ended, and what is served from now on, at once; returns the sequence of the result.

        Args:
            sequence: of the intent.
            conclusion: how it ended.
            documents: behind the resources that are served now; None when that is unchanged.
            digest: of the snapshot they rendered to.

        Raises:
            Stalled: the intent is not open (any more).
        """
        with append.writing(self._place.writer, self._hand) as ledger:
            first = ledger.take_intent(sequence)

            def write(served: Json) -> AuditRecord:
                facts = records.result(sequence, first.body, conclusion, served)
                return ledger.conclude(Event.RESULT, first, facts)

            return self._conclude(ledger, write, conclusion, documents, digest)

    def decide(
        self,
        attempt: Attempt,
        conclusion: Conclusion,
        documents: Documents | None = None,
        digest: Digest | None = None,
    ) -> int:
        """Records a reconcile that touched no target; returns its sequence.

        Args:
            attempt: what was looked at.
            conclusion: what was decided.
            documents: behind what is served, where the revision serves the same routes as the one
                before; None when what is served stays that of the old revision.
            digest: of the snapshot they render to.
        """
        with append.writing(self._place.writer, self._hand) as ledger:

            def write(served: Json) -> AuditRecord:
                return ledger.append(Event.DECISION, records.decision(attempt, conclusion, served))

            return self._conclude(ledger, write, conclusion, documents, digest)

    def note(self, note: Note) -> int:
        """Records something that happened beside reconciles; returns its sequence."""
        facts: Facts = records.note(note)
        with append.writing(self._place.writer, self._hand) as ledger:
            return ledger.append(Event.NOTE, facts).sequence

    def _conclude(
        self,
        ledger: Ledger,
        write: Callable[[Json], AuditRecord],
        conclusion: Conclusion,
        documents: Documents | None,
        digest: Digest | None,
    ) -> int:
        """Appends a record together with what is served from it on."""
        if documents is None:
            return write(None).sequence
        held = self._held
        if held is None or held.sequence != history.newest(ledger.connection):
            held = history.holding(ledger.connection)
        change = history.update_of(held, documents)
        kept = change.kept
        record = write(records.served_summary(conclusion.served, digest, len(kept.origins), kept.tree.digest))
        self._held = ledger.serve(record, held, change, documents.token)
        return record.sequence

    def unfinished(self) -> int | None:
        """The oldest intent without a result: its process died, or is still at it."""
        with database.reading(self._place.reader) as connection:
            return append.oldest_open_intent(connection)

    def interrupt(self, sequence: int) -> int:
        """Closes the intent of a process that died; returns the sequence of the record that says so.

        Raises:
            Stalled: the intent is not open (any more).
        """
        with append.writing(self._place.writer, self._hand) as ledger:
            return ledger.interrupt(sequence).sequence

    def served(self) -> Served:
        """What was last applied, document by document, as the last result left it."""
        with database.reading(self._place.reader) as connection:
            return history.current(connection)

    def served_digest(self) -> Digest | None:
        """Digest of the snapshot that was last applied: told without reading the documents behind it."""
        with database.reading(self._place.reader) as connection:
            return history.snapshot(connection)

    def records(self, after: int = 0) -> Iterator[AuditRecord]:
        """Every record after that one in order, a batch in memory at a time; without a body where that was deleted."""
        while True:
            with database.reading(self._place.reader) as connection:
                batch = bodies.batch_after(connection, after)
            yield from batch
            if not batch:
                return
            after = batch[-1].sequence

    def verify(self, keys: Sequence[PublicKey] = ()) -> Verification:
        """Checks every record, the chain and the tree over them, and all that the database repeats of them.

        Never raises on what the database holds; `Transient` where a full disk or a lost server keeps it from being
        read.

        Args:
            keys: who may have signed the checkpoint; none leaves the signature unchecked.
        """
        return verify.verify(self._place.reader, keys)

    def versions(self) -> RecordedVersions:
        """The versions of documents that were served, for who traces requests."""
        return RecordedVersions(partial(database.reading, self._place.reader))

    def retention(self) -> Retention:
        """Deletes what is old, and holds what must stay."""
        return Retention(self._place, self._hand)

    def proofs(self) -> Proofs:
        """What it proves, and where its checkpoints were left."""
        return Proofs(self._place, self._hand)

    def latest(self, happening: Happening) -> Entry | None:
        """The newest entry that tells of it."""
        with database.reading(self._place.reader) as connection:
            return standing.latest(connection, happening)

    def standing(self) -> JournalState:
        """See `Answers`, as for all that follows."""
        with database.reading(self._place.reader) as connection:
            return standing.standing(connection, self._place.name, self._hand.public)

    def entries(self, query: Query = EVERYTHING) -> list[Entry]:
        """The log, newest first."""
        return self.asked.entries(query)

    def walk(self, query: Query = EVERYTHING) -> Iterator[Entry]:
        """The entries of a query, oldest first, however many: a batch in memory at a time."""
        return self.asked.walk(query)

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry."""
        return self.asked.entry(wanted)

    def erased(self, since: datetime | None = None, until: datetime | None = None) -> Erased | None:
        """What retention deleted of a time."""
        return self.asked.erased(since, until)

    def deletion_of(self, sequence: int) -> int | None:
        """The entry by which retention deleted a record."""
        return self.asked.deletion_of(sequence)

    def history(
        self, mapping: str, limit: int | None = None, before: int | None = None, kinds: Collection[str] = ROUTE_KINDS
    ) -> list[RouteChange]:
        """What was done to one route, or to another resource."""
        return self.asked.history(mapping, limit, before, kinds)

    def blame(self, mapping: str) -> tuple[Blamed, ...]:
        """Each field of a route with the change that set it."""
        return self.asked.blame(mapping)

    def at(self, moment: datetime | int) -> ServedAt:
        """What was served at a moment."""
        return self.asked.at(moment)

    def version(self, kind: str, namespace: str, name: str, touch: str, moment: datetime) -> ServedVersion | None:
        """The version of a document with this touch."""
        return self.asked.version(kind, namespace, name, touch, moment)

    def volume(
        self, since: datetime, until: datetime, stretches: int, namespaces: frozenset[str] | None = None
    ) -> Sequence[Volume]:
        """What happened in each of so many stretches."""
        return self.asked.volume(since, until, stretches, namespaces)
