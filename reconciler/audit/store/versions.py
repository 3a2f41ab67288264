"""Reads versions of documents that were served: what a line of an access log is held against."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from reconciler.audit.store.listing import parsed
from reconciler.audit.store.retention import deleted_by
from reconciler.audit.store.schema import documents, entries, head, records, served, touched
from reconciler.audit.trace.hosts import covering, named
from reconciler.audit.trace.version import Version
from reconciler.model.audit import Event
from reconciler.model.digest import Json
from reconciler.model.resource import Kind

_OBJECTS = "object:"
_came, _intent, _until = records.alias("came_by"), records.alias("begun_by"), records.alias("ended_by")
_CHOSEN: Select[Any] = (
    select(
        *(served.c[name] for name in ("kind", "namespace", "name", "path", "line")),
        *(served.c[name] for name in ("touch_sha", "touch_author", "touch_time", "document", "came", "since")),
        _came.c.entry,
        _intent.c.time.label("begun"),
        _until.c.time.label("ended"),
    )
    .join(_came, _came.c.sequence == served.c.came)
    .join(_intent, _intent.c.sequence == _came.c.entry)
    .outerjoin(_until, _until.c.sequence == served.c.until)
    .order_by(served.c.kind, served.c.namespace, served.c.name, served.c.came, served.c.since)
)
_MOST_SENT = 50
_SENT: Select[Any] = (
    select(records.c.sequence, records.c.body, entries.c.number, entries.c.decision, entries.c.interrupted)
    .select_from(touched)
    .join(entries, entries.c.number == touched.c.entry)
    .join(records, records.c.sequence == touched.c.entry)
    .where(touched.c.applied.is_(False), records.c.event == str(Event.INTENT), records.c.body.is_not(None))
    .order_by(touched.c.entry.desc())
    .limit(_MOST_SENT)
)


@dataclass(slots=True)
class RecordedVersions:
    """What the journal knows of versions, for who traces.

    Attributes:
        read: a transaction that reads.
    """

    read: Callable[[], AbstractContextManager[Connection]]
    _hosts: list[tuple[Version, str]] | None = field(default=None, init=False)

    def versions(self, kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> Sequence[Version]:
        """All versions of a document with one of these commits; where none is named, all that have no commit."""
        which = (served.c.kind == kind, served.c.namespace == namespace, served.c.name == name)
        touch = served.c.touch_sha
        with self.read() as connection:
            return _versions(
                connection, *which, touch.in_(commits) if commits else or_(touch.is_(None), touch.startswith(_OBJECTS))
            )

    def sent(self, kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> tuple[int, str] | None:
        """The newest entry that sent Envoys such a version which did not come to stay, and what became of it."""
        which = (touched.c.kind == kind, touched.c.namespace == namespace, touched.c.name == name)
        with self.read() as connection:
            for row in connection.execute(_SENT.where(*which)):
                if _names_commit(parsed(row.sequence, row.body), kind, namespace, name, commits):
                    ended = (
                        "was interrupted" if row.interrupted else "was taken back" if row.decision else "is under way"
                    )
                    return row.number, ended
        return None

    def deleted(self, moment: str) -> int | None:
        """The entry by which retention deleted what was served at a moment; None where nothing was deleted."""
        with self.read() as connection:
            return deleted_by(connection, moment)

    def upstreams(self, versions: Sequence[Version]) -> Sequence[str]:
        """The service that each version forwards to, as it was written."""
        with self.read() as connection:
            bodies = _bodies(connection, {one.document for one in versions})
        return [named(bodies.get(one.document, b""), "service") for one in versions]

    def hosts(self, authority: str, moment: str) -> Sequence[Version]:
        """The Hosts served at a moment that cover a name, the most exact first."""
        if self._hosts is None:
            with self.read() as connection:
                found = _versions(connection, served.c.kind == str(Kind.HOST))
                bodies = _bodies(connection, {one.document for one in found})
            self._hosts = [(one, named(bodies.get(one.document, b""), "hostname")) for one in found]
        return covering(self._hosts, authority, moment)

    def newest(self) -> int:
        """The last record: nothing that was remembered is out of date while it stays the same."""
        with self.read() as connection:
            found: int | None = connection.execute(select(head.c.sequence)).scalar()
        return found or 0

    def forget(self) -> None:
        """Reads anew what may have changed."""
        self._hosts = None


def _names_commit(body: dict[str, Json], kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> bool:
    """Whether an intent was to serve this route as one of the commits had written it."""
    change = body.get("change")
    routes = change.get("routes") if isinstance(change, dict) else None
    for route in routes if isinstance(routes, list) else ():
        if isinstance(route, dict) and (route["kind"], route["namespace"], route["name"]) == (kind, namespace, name):
            after = route.get("after")
            return isinstance(after, dict) and after.get("commit") in commits
    return False


def _versions(connection: Connection, *which: ColumnElement[bool]) -> list[Version]:
    """One for each version; its rows differ by era."""
    rows = connection.execute(_CHOSEN.where(*which)).all()
    return [_version(list(group)) for _, group in groupby(rows, key=_identity)]


def _identity(row: Row[Any]) -> tuple[Any, ...]:
    return row.kind, row.namespace, row.name, row.came


def _version(rows: list[Row[Any]]) -> Version:
    first, last = rows[0], rows[-1]
    written, author = first.touch_time or "", first.touch_author or ""
    touch = first.touch_sha or ""
    place = (first.kind, first.namespace, first.name, first.path, first.line)
    return Version(*place, touch, author, written, first.came, first.entry, first.begun, last.ended, first.document)


def _bodies(connection: Connection, digests: set[str]) -> dict[str, bytes]:
    found = connection.execute(select(documents).where(documents.c.digest.in_(sorted(digests))))
    return {row.digest: row.body for row in found}
