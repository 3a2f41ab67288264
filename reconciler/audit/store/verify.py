"""Verifies a journal's database: the chain, and all that stands beside it. Trusts nothing that the database says."""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import ColumnClause, Connection, Engine, column, select, table

from reconciler.audit.proof.chain import SCHEMA_VERSION, Chain, Row, Unreadable, advance
from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.record.records import columns_of
from reconciler.audit.store import database, schema
from reconciler.audit.store.beside import Beside, Differs
from reconciler.audit.store.notes import Told, checkpoints_of
from reconciler.audit.store.replay import replay
from reconciler.model.audit import Verification
from reconciler.model.errors import ReconcileError

_READING = (*database.FAILURES, ReconcileError)
_RECORD = ("sequence", "hash", "body", "time", "event", "entry", "intent")
_BUFFERED = 50  # rows, some of which are large


def verify(engine: Engine, keys: Sequence[PublicKey] = ()) -> Verification:
    """Checks records, chain, tree, and everything the database repeats of them. Never raises on what it holds.

    Args:
        engine: the database.
        keys: who may have signed; none leaves signatures unchecked.

    Raises:
        Transient: a full disk or a lost server keeps the database from being read.
    """
    chain = Chain()
    try:
        with engine.connect() as connection, connection.begin():
            _check(connection, chain, keys)
    except Differs as found:
        return Verification(chain.records, found.record, found.finding, None)
    except _READING as error:
        if database.out_of_reach(error):
            raise database.passing(error) from error
        # The records, if any were read, verified; what could not be read is around them.
        return Verification(chain.records, 0, f"the database cannot be read: {database.words(error)}", None)
    return Verification(chain.records, None, "", chain.head)


def _check(connection: Connection, chain: Chain, keys: Sequence[PublicKey]) -> None:
    database.take_time(connection)
    beside, told = Beside(connection), Told(list(keys), _checkpoints(connection))
    with closing(_rows(connection)) as rows:
        for row in rows:
            if not advance(chain, row, columns_of):
                _before(beside)
                raise Differs(chain.records + 1, chain.finding)
            beside.take(chain.records, chain.head, chain.body)
            told.take(chain.records, chain.body, beside.frontier)
    _surroundings(connection, chain, beside, told)


def _before(beside: Beside) -> None:
    """What stands beside the records before may be wrong, too; the first that is wrong is the one to name."""
    try:
        beside.compare()
    except Differs as found:
        if found.record:
            raise


def _rows(connection: Connection) -> Generator[Row | Unreadable, None, None]:
    """Records in order; the first thing that can't be read ends it."""
    try:
        with closing(raw(connection, schema.records.name, _RECORD)) as found:
            for sequence, digest, body, *columns in found:
                yield Row(sequence, digest, body, tuple(columns))
    except _READING as error:
        if database.out_of_reach(error):
            raise
        yield Unreadable(f"it cannot be read: {database.words(error)}")


def raw(connection: Connection, name: str, columns: tuple[str, ...]) -> Generator[tuple[Any, ...], None, None]:
    """Rows as the driver gives them, ordered by the first column.

    Without types, so that no converter meets a value of another type than it expects.
    """
    untyped: list[ColumnClause[Any]] = [column(each) for each in columns]
    chosen = select(*untyped).select_from(table(name)).order_by(untyped[0])
    streaming = {"stream_results": True, "max_row_buffer": _BUFFERED}  # not the connection's, for all that follows
    with closing(connection.execute(chosen, execution_options=streaming)) as found:
        for row in found:
            yield tuple(row)


def _surroundings(connection: Connection, chain: Chain, beside: Beside, told: Told) -> None:
    beside.rest()
    told.check_deleted()
    _layout(connection, chain)
    checkpoint = _head(connection, chain, beside)
    beside.count(told.check_traces(connection))
    found = [row[0] for row in raw(connection, schema.open_intents.name, ("sequence",))]
    expected = sorted(chain.open_intents)
    if found != expected:
        raise Differs(0, f"the database says intents {found} are open, but by the records {expected} are")
    told.end(connection, chain.records, checkpoint, beside.frontier.root())
    replay(connection, told.known_from, told.forgotten)
    damage = database.self_check(connection)
    if damage:
        raise Differs(0, f"the database file is damaged: {damage}")


def _layout(connection: Connection, chain: Chain) -> None:
    version = database.found_version(connection)
    if version != SCHEMA_VERSION:
        raise Differs(0, f"the database says it has layout {version}; this program knows {SCHEMA_VERSION}")
    if chain.records and chain.database != database.layout(connection):
        raise Differs(0, "the database's tables, indexes or triggers are not those it was made with")


def _checkpoints(connection: Connection) -> dict[int, str]:
    """Those that were left outside; what keeps them from being read is found where all tables are looked at."""
    try:
        return checkpoints_of(connection)
    except _READING as error:
        if database.out_of_reach(error):
            raise
        return {}


def _head(connection: Connection, chain: Chain, beside: Beside) -> object:
    """Returns its signed checkpoint."""
    found = list(raw(connection, schema.head.name, ("id", "sequence", "hash", "frontier", "checkpoint")))
    expected = (1, chain.records, chain.head, beside.frontier.encode())
    if len(found) != 1 or found[0][:4] != expected:
        end = [row[:3] for row in found]
        raise Differs(0, f"the chain ends at record {chain.records}, but the database noted another end: {end!r:.120}")
    return found[0][4]
