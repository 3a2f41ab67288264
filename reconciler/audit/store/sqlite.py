"""All that only SQLite understands: one file, its side files, its locks and its error codes."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from reconciler.audit.proof.chain import SCHEMA_VERSION
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.errors import Stalled

# Long enough for the checkpoint of another process; a commit itself holds the lock for milliseconds.
_BUSY_MILLISECONDS = 10_000
_STEPS = 100_000  # of SQLite's machine, some milliseconds: so often it is asked whether there is time left
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA)
_OUT_OF_ROOM = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
)
# Without what ANALYZE and PRAGMA optimize leave, which act on nothing; no one else may give a table such a name.
_LAYOUT = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name"
_PRIMARY_CODE = 0xFF  # the low byte of an extended result code, https://www.sqlite.org/rescode.html


def connect(path: Path, *, read_only: bool, longest_s: float | None = None) -> Engine:
    """An engine for a file, which is made where it is missing and may be written. Nothing is read yet.

    Args:
        path: the file.
        read_only: nothing can be written.
        longest_s: what a transaction still does after so many seconds is broken off, as trouble that passes.

    Raises:
        Stalled: the file is missing and may not be made, or may not be opened.
    """
    try:
        writable = _prepare(path, read_only=read_only)
    except OSError as error:
        raise Stalled(
            "JournalUnavailable", f"the journal {path} cannot be opened: {error.strerror}", "Check --state."
        ) from error
    engine = engine_of(path, read_only=read_only, writable=writable)
    if longest_s is not None:
        _limit(engine, longest_s)
    return engine


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


def engine_of(path: Path, *, read_only: bool, writable: bool) -> Engine:
    """An engine for a file that is there; ``writable``: SQLite can keep its notes beside it."""

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


def _limit(engine: Engine, longest_s: float) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        plain = connection.connection.driver_connection
        until = time.monotonic() + longest_s
        if isinstance(plain, sqlite3.Connection):
            plain.set_progress_handler(lambda: time.monotonic() > until, _STEPS)


def out_of_room(code: int) -> bool:
    """Whether SQLite had no room for the notes that even a reader keeps beside the file, which may be sound."""
    return code in _OUT_OF_ROOM


def damaged(code: int) -> bool:
    """Whether an error code tells of damage to the file."""
    return code & _PRIMARY_CODE in _DAMAGED


def layout(connection: Connection) -> Digest:
    """Fingerprint of tables, indexes and triggers."""
    rows = connection.exec_driver_sql(_LAYOUT).all()
    return digest_bytes("\n".join(repr(tuple(row)) for row in rows).encode("utf-8", "backslashreplace"))


def mark_version(connection: Connection) -> None:
    """Writes the layout's number where programs older than the migrations look for it, too."""
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def found_version(connection: Connection) -> int:
    """The number of the layout; 0 when the database is new."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def self_check(connection: Connection) -> str:
    """What the database itself finds wrong with its file, in its words; empty when nothing."""
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    return "" if found == "ok" else found


def fold(engine: Engine) -> None:
    """Brings all that was written into the one file, so that it can be copied alone."""
    with engine.connect() as connection:
        # Through the driver's own cursor: a checkpoint is refused inside a transaction.
        connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def without_references(engine: Engine, *, off: bool) -> None:
    """Has references between tables not checked by the next transaction, or checked again."""
    with engine.connect() as connection:
        # Likewise; the pool gives the connection that was used last.
        connection.connection.cursor().execute(f"PRAGMA foreign_keys = {'OFF' if off else 'ON'}")
