"""Writes the rows of a large journal into a database, in bulk."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url, select

from reconciler.audit import Journal
from reconciler.audit.proof.merkle import Frontier
from reconciler.audit.store import database, schema
from reconciler.model.digest import Digest
from tests.bench.journal_world import BEGIN, World, grow

_NUMBERED = ("people", "served")  # their rows are numbered by the database


@dataclass(frozen=True, slots=True)
class Store:
    """Where a journal is.

    Attributes:
        name: of the database, for people.
        place: as `Journal.open` takes it.
        namespace: of PostgreSQL: the schema.
    """

    name: str
    place: Path | str
    namespace: str = "reconciler"

    def open(self, clock: Any, *, read_only: bool = False) -> Journal:
        """The journal."""
        return Journal.open(self.place, clock, read_only=read_only, schema=self.namespace)


def fill(store: Store, changes: int, routes: int) -> World:
    """Makes a journal of so many changes of routes in a file of SQLite; returns what it then is."""
    store.open(lambda: BEGIN).close()
    with _writing(store) as write:
        made = database.connect(store.place, read_only=True, schema=store.namespace)
        with database.reading(made.reader) as connection:
            head = connection.execute(select(schema.head)).one()
        made.close()
        world = World(write, head.sequence, Digest(head.hash), Frontier.decode(head.frontier), routes)
        grow(world, changes)
    _finish(store, world)
    return world


def copy(source: Store, target: Store) -> None:
    """Makes the same journal in PostgreSQL as there is in a file of SQLite."""
    target.open(lambda: BEGIN).close()
    old, new = sqlite3.connect(source.place), _session(target)
    for table in schema.metadata.sorted_tables:
        new.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table.name)))
    for table in schema.metadata.sorted_tables:
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
        with new.cursor().copy(into) as rows:
            for row in old.execute(f"SELECT {', '.join(column.name for column in table.columns)} FROM {table.name}"):  # noqa: S608 - ours
                rows.write_row(row)
    old.close()
    new.commit()
    new.close()
    _settle(target)


class _Lite:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self.session = sqlite3.connect(path, isolation_level=None)
        self.session.execute("PRAGMA synchronous = OFF")
        self.session.execute("PRAGMA cache_size = -200000")

    def write(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Adds rows to a table."""
        names = list(rows[0])
        into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - ours
        # One transaction for each batch: what is written but not folded in yet stays small.
        self.session.execute("BEGIN")
        self.session.executemany(into, (tuple(row.values()) for row in rows))
        self.session.execute("COMMIT")


@contextmanager
def _writing(store: Store) -> Iterator[Any]:
    lite = _Lite(Path(store.place))
    yield lite.write
    lite.session.close()


def _finish(store: Store, world: World) -> None:
    """Writes the head."""
    opened = database.connect(store.place, read_only=False, schema=store.namespace)
    head = {"sequence": world.sequence, "hash": world.hash, "frontier": world.frontier.encode(), "checkpoint": ""}
    with database.writing(opened.writer) as connection:
        connection.execute(schema.head.update().values(head))
    opened.close()


def _settle(store: Store) -> None:
    """Does what PostgreSQL does by itself, sooner or later: statistics, and the next numbers."""
    session = _session(store)
    session.autocommit = True
    for table in _NUMBERED:
        highest = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))")
        session.execute(highest.format(sql.Literal(table), sql.Identifier(table)))
    session.execute("VACUUM ANALYZE")
    session.close()


def _session(store: Store) -> psycopg.Connection[Any]:
    url = make_url(str(store.place)).set(drivername="postgresql")
    session = psycopg.connect(url.render_as_string(hide_password=False))
    session.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(store.namespace)))
    session.commit()
    return session
