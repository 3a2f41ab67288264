"""Verifies a journal's database: the chain, and all that stands beside it. Trusts nothing that the file says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnClause, Connection, Engine, column, select, table

from reconciler.audit.proof.chain import SCHEMA_VERSION, Chain, Row, Unreadable, check
from reconciler.audit.record.records import columns_of
from reconciler.audit.store import database
from reconciler.audit.store import older as schema
from reconciler.audit.store.served import Kept, listed_digest
from reconciler.model.audit import Verification
from reconciler.model.errors import ReconcileError

_READING = (*database.FAILURES, ReconcileError)

_RECORD = ("sequence", "hash", "body", "time", "event", "intent", "commit_sha", "author")
_TOUCHED = ("sequence", "kind", "namespace", "name")


def verify(engine: Engine) -> Verification:
    """Checks records, chain, and everything the database repeats of them. Never raises on what the file holds.

    Raises:
        Transient: a full disk keeps the database from being read.
    """
    chain = Chain()
    try:
        with engine.connect() as connection, connection.begin():
            chain = check(_rows(connection), columns_of)
            if chain.finding:
                return Verification(chain.records, chain.records + 1, chain.finding, None)
            bad, finding = _surroundings(connection, chain)
    except _READING as error:
        if database.out_of_room(error):
            raise database.passing(error) from error
        # The records, if any were read, verified; what could not be read is around them.
        bad, finding = 0, f"the database cannot be read: {database.words(error)}"
    if finding:
        return Verification(chain.records, bad, finding, None)
    return Verification(chain.records, None, "", chain.head)


def _rows(connection: Connection) -> Iterator[Row | Unreadable]:
    """Records with what they touch; the first thing that can't be read ends it."""
    touched = _Ahead(_raw(connection, schema.touched.name, _TOUCHED))
    try:
        for values in _raw(connection, schema.records.name, _RECORD):
            sequence, digest, body, *columns = values
            yield Row(sequence, digest, body, (*columns, touched.take(sequence)))
        if touched.next is not None:
            yield Unreadable(f"the database lists a resource for record {touched.next[0]!r}, which is not there")
    except _READING as error:
        if database.out_of_room(error):
            raise
        yield Unreadable(f"it cannot be read: {database.words(error)}")


class _Ahead:
    """The rows of `touched` in order, taken record by record."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.next = next(rows, None)

    def take(self, sequence: object) -> tuple[tuple[Any, ...], ...]:
        """All rows of one record."""
        taken = []
        while self.next is not None and self.next[0] == sequence:
            taken.append(self.next[1:])
            self.next = next(self._rows, None)
        return tuple(taken)


def _raw(connection: Connection, name: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Rows as the driver gives them, ordered by the first column.

    Without types, so that no converter meets a value of another type than it expects.
    """
    untyped: list[ColumnClause[Any]] = [column(each) for each in columns]
    chosen = select(*untyped).select_from(table(name)).order_by(*untyped[: 1 if name == schema.records.name else None])
    for row in connection.execution_options(stream_results=True).execute(chosen):
        yield tuple(row)


def _surroundings(connection: Connection, chain: Chain) -> tuple[int, str]:
    """The record to name, and what is wrong beside the chain; 0 when it is no record's fault."""
    for found in (_layout(connection, chain), _head(connection, chain), _intents(connection, chain)):
        if found:
            return 0, found
    finding = _served(connection, chain)
    if finding:
        return chain.served[0] if chain.served else 0, finding
    damage = database.self_check(connection)
    return 0, f"the database file is damaged: {damage}" if damage else ""


def _layout(connection: Connection, chain: Chain) -> str:
    version = database.found_version(connection)
    # A journal of an older program has the older number until a newer one opens it for writing.
    if not chain.schema <= version <= SCHEMA_VERSION:
        return f"the database says it has layout {version}; this program knows {SCHEMA_VERSION}"
    if chain.records and chain.database != database.layout(connection):
        return "the database's tables, indexes or triggers are not those it was made with"
    return ""


def _head(connection: Connection, chain: Chain) -> str:
    found = list(_raw(connection, schema.head.name, ("id", "sequence", "hash")))
    if found != [(1, chain.records, chain.head)]:
        return f"the chain ends at record {chain.records}, but the database noted another end: {found!r:.120}"
    return ""


def _intents(connection: Connection, chain: Chain) -> str:
    found = [row[0] for row in _raw(connection, schema.open_intents.name, ("sequence",))]
    expected = sorted(chain.open_intents)
    return "" if found == expected else f"the database says intents {found} are open, but by the records {expected} are"


def _served(connection: Connection, chain: Chain) -> str:
    try:
        return _served_differs(connection, chain)
    except _READING as error:
        return f"the documents that are served cannot be read: {database.words(error)}"


def _served_differs(connection: Connection, chain: Chain) -> str:
    heads = list(_raw(connection, schema.served_head.name, ("id", "sequence", "revision", "snapshot")))
    names = tuple(each.name for each in schema.served.columns)
    rows = _raw(connection, schema.served.name, names)
    kept = Kept.of(dict(zip(names, values, strict=True)) for values in rows)
    if chain.served is None:
        return "something is served that no result recorded" if heads or kept.origins else ""
    sequence, recorded = chain.served
    if not isinstance(recorded, dict):
        return "its result does not say what is served"
    if heads != [(1, sequence, recorded.get("revision"), recorded.get("snapshot"))]:
        return "the revision or snapshot that is served is not the one this result recorded"
    digest = listed_digest(kept) if chain.served_schema == 1 else kept.tree.digest
    if (len(kept.origins), digest) != (recorded.get("resources"), recorded.get("documents")):
        return "the documents that are served are not the ones this result recorded"
    return ""
