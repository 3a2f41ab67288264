"""Opens the journal's database and says what its failures mean. All that only SQLite understands is here."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from reconciler.audit.proof.chain import SCHEMA_VERSION
from reconciler.audit.record.clean import clean_text, repository
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.errors import Stalled, Transient

# Long enough for the checkpoint of another process; a commit itself holds the lock for milliseconds.
_BUSY_MILLISECONDS = 10_000
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA)
# All that the driver raises on a damaged file; even its error text may not decode.
FAILURES = (
    SQLAlchemyError,
    sqlite3.Error,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
_OUT_OF_ROOM = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
)
_PRIMARY_CODE = 0xFF  # the low byte of an extended result code, https://www.sqlite.org/rescode.html


def connect(place: Path | str, *, read_only: bool) -> Engine:
    """An engine for a SQLite file or a database URL. Nothing is read yet.

    Raises:
        Stalled: the file is missing and may not be made, may not be opened, or the URL makes no sense.
    """
    if isinstance(place, str) and "://" in place:
        try:
            return create_engine(place)
        except (ArgumentError, ImportError) as error:
            raise Stalled(
                "JournalUnavailable",
                f"no database can be opened at {repository(place)}: {clean_text(str(error))}",
                "Give a path, or a URL whose driver is installed.",
            ) from error
    path = Path(place).absolute()
    try:
        writable = _prepare(path, read_only=read_only)
    except OSError as error:
        raise Stalled(
            "JournalUnavailable", f"the journal {path} cannot be opened: {error.strerror}", "Check --state."
        ) from error
    return _sqlite(path, read_only=read_only, writable=writable)


def _prepare(path: Path, *, read_only: bool) -> bool:
    """Makes the file where it may, readable by its owner only; returns whether it can be written."""
    if read_only:
        # An empty file is what a process leaves that died while it made the journal.
        if not path.is_file() or not path.stat().st_size:
            raise Stalled(
                "JournalMissing", f"there is no journal at {path}", "Check --state; `sync` or `run` makes one."
            )
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # SQLite gives its -wal and -shm the mode of the database.
    path.chmod(0o600)
    return True


def _sqlite(path: Path, *, read_only: bool, writable: bool) -> Engine:
    def dial() -> sqlite3.Connection:
        # Autocommit: transactions are begun by us, below.
        if writable:
            return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        uri = f"{path.as_uri()}?mode=ro" + ("" if Path(f"{path}-wal").exists() else "&immutable=1")
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    engine = create_engine("sqlite://", creator=dial, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL makes WAL durable: a commit returns once it is on disk.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock before it reads the head, so that two processes can't attach to the same record.
        immediate = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start; all of it is written, or nothing.

    Raises:
        Transient: it could not be written now.
        Stalled: the database is damaged.
    """
    with _translated("written"), engine.connect() as plain:
        connection = plain.execution_options(writing=True)
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database and never waits for a writer.

    Raises:
        Transient: it could not be read now.
        Stalled: the database is damaged.
    """
    with _translated("read"), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def _translated(done: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, UnicodeError, OverflowError, MemoryError) as error:
        if damaged(error):
            raise Stalled(
                "JournalDamaged",
                f"the journal could not be {done}: {words(error)}",
                "See `reconciler audit verify`; then restore the state directory from a backup.",
            ) from error
        raise passing(error, done) from error


def passing(error: Exception, done: str = "read") -> Transient:
    """The failure as trouble around the file: the journal could not be ``read`` or ``written`` for now."""
    reason = "JournalWriteFailed" if done == "written" else "JournalReadFailed"
    return Transient(reason, f"the journal could not be {done}: {words(error)}", "Check disk space and permissions.")


def out_of_room(error: Exception) -> bool:
    """Whether SQLite had no room for the notes that even a reader keeps beside the file, which may be sound."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", None) in _OUT_OF_ROOM


def damaged(error: Exception) -> bool:
    """Whether the failure is in what the file holds, so that trying again cannot help."""
    if isinstance(error, UnicodeError | OverflowError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY_CODE in _DAMAGED


def words(error: Exception) -> str:
    """The database's own words, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return clean_text(str(cause)) or type(error).__name__


def layout(connection: Connection) -> Digest | None:
    """Fingerprint of tables, indexes and triggers; None where the database has no such text."""
    if connection.dialect.name != "sqlite":
        return None
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").all()
    return digest_bytes("\n".join(repr(tuple(row)) for row in rows).encode("utf-8", "backslashreplace"))


def mark_version(connection: Connection) -> None:
    """Writes the schema version where `found_version` finds it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def found_version(connection: Connection) -> int:
    """The schema version of the database; 0 when it is new."""
    if connection.dialect.name != "sqlite":
        return SCHEMA_VERSION
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def self_check(connection: Connection) -> str:
    """What the database itself finds wrong with its file, in its words; empty when nothing."""
    if connection.dialect.name != "sqlite":
        return ""
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    return "" if found == "ok" else found


def fold(engine: Engine) -> None:
    """Brings all that was written into the one file, so that it can be copied alone. Nothing is lost if it fails."""
    if engine.dialect.name == "sqlite":
        with suppress(*FAILURES), engine.connect() as connection:
            # Through the driver's own cursor: a checkpoint is refused inside a transaction.
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
