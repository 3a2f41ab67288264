"""All that only PostgreSQL understands: sessions, one schema per journal, its locks and its error codes."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.errors import Stalled, Transient

if TYPE_CHECKING:
    # SQLAlchemy imports it where it is needed: a journal in a file need not wait for that.
    from psycopg import Connection as Session

_DRIVERS = ("postgres", "postgresql", "postgresql+psycopg")
_CONNECT_SECONDS = 10
_STATEMENT_SECONDS, _LOCK_SECONDS, _IDLE_SECONDS = 60, 20, 60
_PATIENT_SECONDS = 3600  # of verification, whose statements look at whole tables
# A connection whose other end vanished is given up after so many seconds, on both sides: a lock must not outlive its
# holder by hours.
_SILENT_SECONDS, _PROBE_SECONDS, _PROBES = 15, 5, 3
# https://www.postgresql.org/docs/current/errcodes-appendix.html: classes of what trying again cannot help.
_DAMAGED = ("22", "23", "42", "XX", "0A", "3F")
_NOT_ALLOWED = ("28", "3D", "42501")
_IN_USE = "55P03"

_LAYOUT = """
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'index', t.relname, i.relname, (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a
           WHERE a.attrelid = i.oid), x.indisunique::text || (x.indpred IS NOT NULL)::text
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
     WHERE t.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'constraint', t.relname, k.conname, k.contype::text, coalesce(f.relname::text, '')
      FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
     WHERE t.relnamespace = current_schema()::regnamespace AND k.contype <> 'n'
    UNION ALL
    SELECT 'trigger', t.relname, g.tgname, p.proname, g.tgenabled::text
      FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
     WHERE t.relnamespace = current_schema()::regnamespace AND NOT g.tgisinternal
    UNION ALL
    SELECT 'rule', t.relname, r.rulename, r.ev_type::text, r.is_instead::text
      FROM pg_rewrite r JOIN pg_class t ON t.oid = r.ev_class
     WHERE t.relnamespace = current_schema()::regnamespace
"""


def is_url(place: object) -> bool:
    """Whether a place is a database URL."""
    return isinstance(place, str) and "://" in place


def url_of(text: str) -> URL:
    """What a URL names.

    Raises:
        Stalled: it names no PostgreSQL database; the message shows nothing of it but the kind of database.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _DRIVERS:
        what = "it is no URL" if url is None else f"`{text.partition(':')[0]:.40}` is none that is known"
        raise Stalled(
            "JournalUnavailable",
            f"the journal's database cannot be opened: {what}",
            "Give postgresql://USER@HOST/DATABASE, or none for a file in the state directory.",
        ) from None
    return url.set(drivername="postgresql+psycopg")


def name_of(url: URL, schema: str) -> str:
    """Where a journal is, for people: without user, password and whatever else stands in the URL."""
    where = f"{url.host or 'local socket'}{f':{url.port}' if url.port else ''}"
    return f"schema {schema} of database {url.database or 'postgres'} at {where}"


def connect(url: URL, schema: str, *, read_only: bool, alone: str = "") -> Engine:
    """An engine whose sessions work in one schema. Nothing is read yet.

    Args:
        url: the database.
        schema: its tables are in this schema.
        read_only: sessions can't write.
        alone: not empty for a writer that no other may write beside who wants that too: how the journal is called.
    """
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if alone else {"pool_size": 5, "max_overflow": 5}
    engine = create_engine(
        url,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "reconciler",
            "keepalives_idle": _SILENT_SECONDS,
            "keepalives_interval": _PROBE_SECONDS,
            "keepalives_count": _PROBES,
            "tcp_user_timeout": _SILENT_SECONDS * 2 * 1000,
        },
        **pool,
    )

    @event.listens_for(engine, "connect")
    def configure(session: "Session[Any]", _record: object) -> None:
        try:
            session.autocommit = True
            for name, value in _settings(schema, read_only=read_only).items():
                session.execute("SELECT set_config(%s, %s, false)", (name, value))
            if alone:
                _take(session, schema, alone)
            session.autocommit = False
        except engine.dialect.loaded_dbapi.Error as error:
            raise OperationalError("SELECT set_config", None, error) from error

    return engine


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _settings(schema: str, *, read_only: bool) -> dict[str, str]:
    return {
        "search_path": _quoted(schema),
        "statement_timeout": f"{_STATEMENT_SECONDS}s",
        "lock_timeout": f"{_LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
        "synchronous_commit": "on",
        "default_transaction_read_only": "on" if read_only else "off",
        "tcp_keepalives_idle": str(_SILENT_SECONDS),
        "tcp_keepalives_interval": str(_PROBE_SECONDS),
        "tcp_keepalives_count": str(_PROBES),
        "timezone": "UTC",
    }


def _take(session: "Session[Any]", schema: str, name: str) -> None:
    """Takes the journal for this session; the server lets go of it with the session, however that ends."""
    row = session.execute("SELECT pg_try_advisory_lock(%s)", (_lock(schema),)).fetchone()
    if row is None or not row[0]:
        session.close()
        raise Transient(
            "JournalInUse",
            f"another controller writes the journal in {name}",
            "Give each its own with --journal-schema, or stop the other one.",
        )


def _lock(schema: str) -> int:
    """The number of the lock that stands for a journal: of 64 bits, signed, the same in every program."""
    return int(digest_bytes(f"reconciler journal {schema}".encode())[-16:], 16) - 2**63


def take_time(connection: Connection) -> None:
    """Lets the statements of this transaction take long, and whoever asks take long between them."""
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (name, f"{_PATIENT_SECONDS}s"))


def make_schema(connection: Connection, schema: str) -> None:
    """Makes the schema where there is none; others that want to make the journal wait for this transaction."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_lock(f"making {schema}"),))
    found = connection.exec_driver_sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).first()
    if found is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {_quoted(schema)}")


def transient(state: str | None) -> bool:
    """Whether an error is trouble around the database; ``state``: its code, None where the server said nothing."""
    return state is None or not state.startswith(_DAMAGED + _NOT_ALLOWED)


def allowed(state: str | None) -> bool:
    """Whether an error is another one than that somebody must let us in first."""
    return state is None or not state.startswith(_NOT_ALLOWED)


def layout(connection: Connection) -> Digest:
    """Fingerprint of tables, indexes, constraints, triggers and rules of the schema."""
    rows = sorted(tuple(map(str, row)) for row in connection.exec_driver_sql(_LAYOUT))
    return digest_bytes("\n".join(map(repr, rows)).encode("utf-8", "backslashreplace"))


def found_version(connection: Connection) -> int:
    """The number of the layout; 0 where there is no journal yet."""
    if connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() is None:
        return 0
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return int(found) if found is not None and str(found).isdigit() else 0
