"""The journal's door: intent before, result after, and what is served, in one database."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, delete, insert, select, update

from reconciler import __version__
from reconciler.audit.proof.chain import FIRST_PREVIOUS, SCHEMA_VERSION, seal
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts, stamp
from reconciler.audit.store import database, query, verify
from reconciler.audit.store import older as schema
from reconciler.audit.store.served import NOTHING_KEPT, Kept, Update, amend, compared, key, to_row
from reconciler.model.audit import Attempt, AuditRecord, Conclusion, Documents, Event, Served, Verification
from reconciler.model.digest import Digest, Json
from reconciler.model.entry import Entry
from reconciler.model.errors import Stalled

Clock = Callable[[], datetime]

# Made once: putting a statement together takes longer than SQLite takes to run it.
_HEAD = select(schema.head.c.sequence, schema.head.c.hash).with_for_update()
_SET_HEAD, _MOVE_HEAD = insert(schema.head), update(schema.head)
_ADD_RECORD, _ADD_TOUCHED, _ADD_INTENT = map(insert, (schema.records, schema.touched, schema.open_intents))


class Journal:
    """An append-only, hash-chained record of every decision, and the documents that are served now.

    Every method raises `Transient` when the database can't be read or written for now (a full disk, a lock), in which
    case nothing of that call was written, and `Stalled` when it is damaged.
    """

    def __init__(self, engine: Engine, clock: Clock, *, read_only: bool = False) -> None:
        self._engine = engine
        self._read_only = read_only
        self._clock = clock
        # What the table `served` holds as of the result with this sequence, and the token of these documents: saves
        # reading them back, and comparing them, at every result.
        self._kept: tuple[int, Kept, object] | None = None

    @classmethod
    def open(cls, place: Path | str, clock: Clock, *, read_only: bool = False) -> Self:
        """Opens a journal; makes it, and its directory, where there is none.

        Args:
            place: a file for SQLite, or a database URL.
            clock: the time now, aware.
            read_only: for verbs that read, beside a running controller too; never changes or makes anything.

        Raises:
            Stalled: it cannot be opened, is missing (read-only), damaged, or newer than this program.
        """
        engine = database.connect(place, read_only=read_only)
        journal = cls(engine, clock, read_only=read_only)
        if not read_only:
            try:
                journal._create()
            except BaseException:
                engine.dispose()
                raise
        return journal

    def close(self) -> None:
        """Folds everything into the one file and lets go of it."""
        if not self._read_only:
            database.fold(self._engine)
        self._engine.dispose()

    def intend(self, attempt: Attempt, *, instead: bool = False) -> int:
        """Records what is about to be applied, before anything is touched; returns the sequence of the intent.

        Args:
            attempt: what.
            instead: of an intent that is still open, because its result could not be written: closes it first.
        """
        facts = records.intent(attempt)
        with database.writing(self._engine) as connection:
            abandoned = query.oldest_open_intent(connection) if instead else None
            if abandoned is not None:
                self._interrupt(connection, abandoned)
            sequence = self._append(connection, Event.INTENT, facts)
            connection.execute(_ADD_INTENT, {"sequence": sequence})
            return sequence

    def conclude(
        self, sequence: int, conclusion: Conclusion, documents: Documents | None, digest: Digest | None
    ) -> int:
        """Records how an apply ended together with what is served from now on, in one transaction.

        Args:
            sequence: of the intent.
            conclusion: how it ended.
            documents: behind the resources that are served now; None when that is unchanged.
            digest: of the snapshot they rendered to.

        Returns:
            The sequence of the result.

        Raises:
            Stalled: the intent is not open (any more).
        """
        with database.writing(self._engine) as connection:
            intended = _take_intent(connection, sequence)

            def facts(served: Json) -> Facts:
                return records.result(sequence, intended, conclusion, served)

            return self._conclude(connection, Event.RESULT, facts, conclusion, documents, digest)

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
        with database.writing(self._engine) as connection:

            def facts(served: Json) -> Facts:
                return records.decision(attempt, conclusion, served)

            return self._conclude(connection, Event.DECISION, facts, conclusion, documents, digest)

    def _conclude(
        self,
        connection: Connection,
        event: Event,
        facts: Callable[[Json], Facts],
        conclusion: Conclusion,
        documents: Documents | None,
        digest: Digest | None,
    ) -> int:
        """Appends a record together with what is served from it on."""
        if documents is None:
            return self._append(connection, event, facts(None))
        change = self._update(connection, documents)
        revision = conclusion.served
        served = records.served_summary(revision, digest, len(change.kept.origins), change.kept.tree.digest)
        number = self._append(connection, event, facts(served))
        _write_served(connection, change, number, str(revision) if revision else None, digest)
        # Should the commit fail, the sequence kept here belongs to no served_head, and `_held` reads it all again.
        self._kept = number, change.kept, documents.token
        return number

    def unfinished(self) -> int | None:
        """The oldest intent without a result: its process died, or is still at it."""
        with database.reading(self._engine) as connection:
            return query.oldest_open_intent(connection)

    def interrupt(self, sequence: int) -> int:
        """Closes the intent of a process that died; returns the sequence of the record that says so.

        Raises:
            Stalled: the intent is not open (any more).
        """
        with database.writing(self._engine) as connection:
            return self._interrupt(connection, sequence)

    def _interrupt(self, connection: Connection, sequence: int) -> int:
        facts = records.interrupted(sequence, _take_intent(connection, sequence))
        return self._append(connection, Event.INTERRUPTED, facts)

    def served(self) -> Served:
        """What was last applied, document by document, as the last result left it."""
        with database.reading(self._engine) as connection:
            return query.served(connection)

    def served_digest(self) -> Digest | None:
        """Digest of the snapshot that was last applied: told without reading the documents behind it."""
        with database.reading(self._engine) as connection:
            return query.served_digest(connection)

    def entries(
        self,
        limit: int | None = None,
        *,
        mapping: str = "",
        author: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Entry]:
        """The log, newest first: one entry per decision, an intent joined with its result.

        Args:
            limit: at most this many; None for all.
            mapping: only what concerns this Mapping: ``name`` or ``namespace/name``.
            author: only commits whose author's name or address contains this, in any case.
            since: not before this moment.
            until: before this moment.
        """
        with database.reading(self._engine) as connection:
            return query.entries(connection, limit, query.Filter(mapping, author, since, until))

    def entry(self, wanted: int | str) -> Entry | None:
        """One entry: by the sequence of any of its records, or the newest by the first digits of its commit."""
        with database.reading(self._engine) as connection:
            return query.entry_of(connection, wanted)

    def records(self) -> Iterator[AuditRecord]:
        """Every record in order, a batch in memory at a time."""
        last = 0
        while True:
            with database.reading(self._engine) as connection:
                batch = query.batch_after(connection, last)
            yield from batch
            if not batch:
                return
            last = batch[-1].sequence

    def verify(self) -> Verification:
        """Checks every record, the chain between them, and all that the database repeats of them.

        Never raises on what the file holds; `Transient` where a full disk keeps it from being read.
        """
        return verify.verify(self._engine)

    def _create(self) -> None:
        with database.writing(self._engine) as connection:
            version = database.found_version(connection)
            if version > SCHEMA_VERSION:
                raise Stalled(
                    "JournalTooNew",
                    f"the journal has layout {version}, this program knows {SCHEMA_VERSION}",
                    "Run the newer program that wrote it.",
                )
            schema.metadata.create_all(connection)
            new = connection.execute(select(schema.head.c.sequence)).first() is None
            if new or version < SCHEMA_VERSION:
                database.mark_version(connection)
            if new:
                self._append(
                    connection, Event.JOURNAL_STARTED, records.started(__version__, database.layout(connection))
                )

    def _append(self, connection: Connection, event: Event, facts: Facts) -> int:
        """Seals a record onto the head; the caller's transaction holds the write lock."""
        head = connection.execute(_HEAD).first()
        sequence, previous = (head.sequence + 1, Digest(head.hash)) if head else (1, FIRST_PREVIOUS)
        body, content, digest = seal(sequence, stamp(self._clock()), event, previous, facts)
        columns = records.columns_of(body)
        row = {"sequence": sequence, "hash": digest, "body": content}
        row |= {name: getattr(columns, name) for name in ("time", "event", "intent", "commit_sha", "author")}
        connection.execute(_ADD_RECORD, row)
        if columns.touched:
            names = ("kind", "namespace", "name")
            rows = [{"sequence": sequence, **dict(zip(names, t, strict=True))} for t in columns.touched]
            connection.execute(_ADD_TOUCHED, rows)
        connection.execute(_MOVE_HEAD if head else _SET_HEAD, {"id": 1, "sequence": sequence, "hash": digest})
        return sequence

    def _update(self, connection: Connection, documents: Documents) -> Update:
        """What changes in the table `served`: as the documents say, if they were made from what it holds."""
        at = connection.execute(select(schema.served_head.c.sequence)).scalar()
        if at is None:
            return compared(NOTHING_KEPT, documents.all())
        if self._kept is None or self._kept[0] != at:
            self._kept = at, query.kept(connection), None
        _, kept, token = self._kept
        if documents.base is not None and documents.base is token:
            return amend(kept, documents.changed)
        return compared(kept, documents.all())


def _take_intent(connection: Connection, sequence: int) -> Facts:
    """Marks an intent as concluded and returns its body."""
    table = schema.open_intents
    if connection.execute(delete(table).where(table.c.sequence == sequence)).rowcount != 1:
        raise Stalled(
            "JournalIntentClosed",
            f"record {sequence} of the journal is not an open intent",
            "Another controller uses this journal: run one per state directory.",
        )
    return query.body(connection, sequence)


def _write_served(
    connection: Connection, change: Update, sequence: int, revision: str | None, digest: Digest | None
) -> None:
    table = schema.served
    for name in change.gone:
        connection.execute(delete(table).filter_by(**key(name)))
    if change.come:
        connection.execute(insert(table), [to_row(origin) for origin in change.come])
    connection.execute(delete(schema.served_head))
    connection.execute(
        insert(schema.served_head), {"id": 1, "sequence": sequence, "revision": revision, "snapshot": digest}
    )
