"""A query as conditions on the table of entries, for SQLite and PostgreSQL alike.

What few entries meet is asked as `number IN (SELECT …)`, which an index answers; the rest is read off the entries
themselves, the newest first, until there are enough.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, Text, false, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from reconciler.audit.store.hours import outside
from reconciler.audit.store.schema import entries, entry_commits, happenings, people, touched
from reconciler.model.entry import Answer
from reconciler.model.question import Lack, Query, Window

_HEX = re.compile(r"[0-9a-f]{1,64}")
_AFTER_HEX = "g"
_NOBODY_ASKED = ("", str(Answer.UNKNOWN))
_LACKING = {
    Lack.PULL_REQUEST: entries.c.pull_request.in_(_NOBODY_ASKED),
    Lack.APPROVAL: entries.c.approved != str(Answer.YES),
    Lack.SIGNATURE: entries.c.signed != str(Answer.YES),
    Lack.ACKNOWLEDGEMENT: entries.c.acknowledged != str(Answer.YES),
}


class ascii_position(GenericFunction[int]):  # noqa: N801 - as functions are named in SQL
    """Where a text has another one, whatever the case of its ASCII letters, from 1; 0 where it has not.

    The databases agree on the case of no other letters.
    """

    type = Integer()
    inherit_cache = True


@compiles(ascii_position, "sqlite")
def _of_sqlite(element: ascii_position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f"instr(lower({text}), {wanted})"


@compiles(ascii_position, "postgresql")
def _of_postgresql(element: ascii_position, compiler: SQLCompiler, **options: Any) -> str:
    text, wanted = (compiler.process(each, **options) for each in element.clauses)
    return f'strpos(lower({text} COLLATE "C"), {wanted})'


def conditions(connection: Connection, query: Query) -> list[ColumnElement[bool]]:
    """What the entries of a query meet, all of it; its limit is for the caller.

    Args:
        connection: answers which people are meant, and when the first and the last entry was.
        query: what is asked.
    """
    return [
        *_times(query.since, query.until),
        *_subjects(query),
        *_people(connection, query),
        *_lacks(query),
        *([_hours(connection, query.outside, query)] if query.outside else ()),
        *([_says(query.text)] if query.text else ()),
        *([entries.c.number < query.before] if query.before is not None else ()),
    ]


def concerning(mapping: str) -> ColumnElement[bool]:
    """The rows of `touched` about a route: ``name`` or ``namespace/name``."""
    namespace, _, name = mapping.rpartition("/")
    return (touched.c.name == name) & (touched.c.namespace == namespace) if namespace else touched.c.name == name


def of_commit(digits: str) -> Select[tuple[int]]:
    """The numbers of the entries that a commit is in, given its first digits."""
    chosen = select(entry_commits.c.entry)
    if not _HEX.fullmatch(digits):
        return chosen.where(false())
    # As a range: unlike LIKE it uses the index, whatever the database makes of letters.
    return chosen.where(entry_commits.c.commit_sha >= digits, entry_commits.c.commit_sha < digits + _AFTER_HEX)


def milliseconds(moment: datetime) -> int:
    """A moment as the entries have it."""
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1000 + moment.microsecond // 1000


def _times(since: datetime | None, until: datetime | None) -> Iterator[ColumnElement[bool]]:
    if since is not None:
        yield entries.c.time_ms >= _not_before(since)
    if until is not None:
        yield entries.c.time_ms < _not_before(until)


def _not_before(moment: datetime) -> int:
    """The first whole millisecond that is not before a moment."""
    return milliseconds(moment) + (1 if moment.microsecond % 1000 else 0)


def _subjects(query: Query) -> Iterator[ColumnElement[bool]]:
    if query.mapping:
        yield entries.c.number.in_(select(touched.c.entry).where(concerning(query.mapping)))
    if query.namespaces is not None:
        chosen = touched.c.namespace.in_(sorted(query.namespaces))
        yield entries.c.number.in_(select(touched.c.entry).where(chosen))
    if query.commit:
        yield entries.c.number.in_(of_commit(query.commit.strip().lower()))
    if query.happened:
        chosen = happenings.c.happening.in_(sorted(map(str, query.happened)))
        yield entries.c.number.in_(select(happenings.c.entry).where(chosen))


def _people(connection: Connection, query: Query) -> Iterator[ColumnElement[bool]]:
    if query.author:
        # Looked through here: there are few people, and databases differ in what they take for the same letter.
        wanted = query.author.casefold()
        found = [one.id for one in connection.execute(select(people)) if wanted in one.text.casefold()]
        yield entries.c.author_id.in_(found)
    if query.self_approved:
        yield entries.c.self_approved


def _lacks(query: Query) -> Iterator[ColumnElement[bool]]:
    if query.lacking:
        yield entries.c.changes_served
        yield or_(*(_LACKING[lack] for lack in sorted(query.lacking)))


def _hours(connection: Connection, window: Window, query: Query) -> ColumnElement[bool]:
    # Each by itself is the end of an index; both in one SELECT are all of it.
    ends = (select(end(entries.c.time_ms)).scalar_subquery() for end in (func.min, func.max))
    first, last = connection.execute(select(*ends)).one()
    if first is None:
        return false()
    begin = max(first, _not_before(query.since)) if query.since else first
    end = min(last + 1, _not_before(query.until)) if query.until else last + 1
    return outside(entries.c.time_ms, window, begin, end)


def _says(text: str) -> ColumnElement[bool]:
    wanted = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    columns = (entries.c.subject, entries.c.reason, entries.c.message)
    return or_(*(ascii_position(column, literal(wanted, Text())) > 0 for column in columns))
