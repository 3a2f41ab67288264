"""Opens the journal's database, SQLite or PostgreSQL, and says what its failures mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.audit.proof.chain import SCHEMA_VERSION
from reconciler.audit.record.clean import clean_text
from reconciler.audit.store import postgres, sqlite
from reconciler.model.digest import Digest
from reconciler.model.errors import Stalled, Transient

# All that a driver raises on a damaged database; even its error text may not decode.
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
_SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class Database:
    """A journal's database.

    Attributes:
        reader: for transactions that see one state; ``writer``: for those that append.
        name: where it is, for people, without credentials.
        schema: its schema in PostgreSQL; empty in SQLite.
        read_only: nothing can be written.
    """

    reader: Engine
    writer: Engine
    name: str
    schema: str = ""
    read_only: bool = False

    def close(self) -> None:
        """Folds everything into the one file, where it is one, and lets go of it."""
        # A reader must not wait for those who write beside it.
        if self.writer.dialect.name == _SQLITE and not self.read_only:
            with suppress(*FAILURES):
                sqlite.fold(self.writer)
        self.writer.dispose()
        self.reader.dispose()


def connect(
    place: Path | str, *, read_only: bool, schema: str, alone: bool = False, longest_s: float | None = None
) -> Database:
    """Nothing is read yet.

    Args:
        place: a file for SQLite, or the URL of a PostgreSQL database.
        read_only: nothing can be written.
        schema: where in PostgreSQL the tables are.
        alone: no other that wants this too may write beside it; in SQLite the state directory's lock sees to that.
        longest_s: of one transaction in SQLite, in seconds; PostgreSQL limits statements by itself.

    Raises:
        Stalled: the file is missing and may not be made, may not be opened, or the URL makes no sense.
    """
    if isinstance(place, str) and postgres.is_url(place):
        url = postgres.url_of(place)
        name = postgres.name_of(url, schema)
        reader = postgres.connect(url, schema, read_only=True)
        writer = reader if read_only else postgres.connect(url, schema, read_only=False, alone=name if alone else "")
        return Database(reader, writer, name, schema, read_only)
    path = Path(place).absolute()
    engine = sqlite.connect(path, read_only=read_only, longest_s=longest_s)
    return Database(engine, engine, str(path), "", read_only)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start; all of it is written, or nothing.

    In PostgreSQL the lock is that of the head's row, which whoever appends reads first.

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
        cause = _cause(error)
        if _of_server(cause) and not postgres.allowed(_state(cause)):
            raise Stalled(
                "JournalUnavailable",
                f"the journal could not be {done}: {words(error)}",
                "Check the database's name, the role and its rights in the schema.",
            ) from None
        if damaged(error):
            raise Stalled(
                "JournalDamaged",
                f"the journal could not be {done}: {words(error)}",
                "See `reconciler audit verify`; then restore it from a backup.",
            ) from error
        raise passing(error, done) from error


def passing(error: Exception, done: str = "read") -> Transient:
    """The failure as trouble around the database: the journal could not be ``read`` or ``written`` for now."""
    reason = "JournalWriteFailed" if done == "written" else "JournalReadFailed"
    where = "the database server" if _of_server(_cause(error)) else "disk space and permissions"
    return Transient(reason, f"the journal could not be {done}: {words(error)}", f"Check {where}.")


def out_of_reach(error: Exception) -> bool:
    """Whether what keeps the database from being read is around it: it may be sound."""
    cause = _cause(error)
    if _of_server(cause):
        return postgres.transient(_state(cause)) or not postgres.allowed(_state(cause))
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(code, int) and sqlite.out_of_room(code)


def damaged(error: Exception) -> bool:
    """Whether the failure is in what the database holds, so that trying again cannot help."""
    if isinstance(error, UnicodeError | OverflowError):
        return True
    cause = _cause(error)
    if _of_server(cause):
        return not postgres.transient(_state(cause))
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(code, int) and sqlite.damaged(code)


def words(error: Exception) -> str:
    """The database's own words, in one line, without the statement and its values."""
    return " ".join(clean_text(str(_cause(error))).split()) or type(error).__name__


def _cause(error: Exception) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def _of_server(cause: BaseException) -> bool:
    """Whether PostgreSQL's driver raised it."""
    return hasattr(cause, "sqlstate")


def _state(cause: BaseException) -> str | None:
    return getattr(cause, "sqlstate", None)


def layout(connection: Connection) -> Digest:
    """Fingerprint of tables, indexes, triggers and whatever else would act on its own."""
    return sqlite.layout(connection) if _is_file(connection) else postgres.layout(connection)


def mark_version(connection: Connection) -> None:
    """Writes the layout's number where `found_version` finds it."""
    if _is_file(connection):
        sqlite.mark_version(connection)


def found_version(connection: Connection) -> int:
    """The number of the database's layout; 0 when it is new."""
    return sqlite.found_version(connection) if _is_file(connection) else postgres.found_version(connection)


def self_check(connection: Connection) -> str:
    """What the database itself finds wrong with its file, in its words; empty when nothing, and where it can't."""
    return sqlite.self_check(connection) if _is_file(connection) else ""


def take_time(connection: Connection) -> None:
    """Lets this transaction take as long as it has to look at a large journal."""
    if not _is_file(connection):
        postgres.take_time(connection)


def checked_version(found: int) -> int:
    """The layout, where this program can do something with it.

    Raises:
        Stalled: it is newer than this program.
    """
    if found > SCHEMA_VERSION:
        raise Stalled(
            "JournalTooNew",
            f"the journal has layout {found}, this program knows {SCHEMA_VERSION}",
            "Run the newer program that wrote it.",
        )
    return found


def _is_file(connection: Connection) -> bool:
    return connection.dialect.name == _SQLITE
