"""A query as conditions on the table of entries, for SQLite and PostgreSQL alike.

What few entries meet is asked as `number IN (SELECT …)`, which an index answers; the rest is read off the entries
themselves, the newest first, until there are enough.
"""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, Text, false, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from reconciler.audit.store.hours import outside
from reconciler.audit.store.schema import entries, entry_commits, entry_people, happenings, people, touched
from reconciler.model.decision import Decision
from reconciler.model.entry import Answer
from reconciler.model.question import Lack, Query, Window

_HEX = re.compile(r"[0-9a-f]{1,64}")
_AFTER_HEX = "g"
_SERVED = (str(Decision.APPLIED), str(Decision.PARTIAL))
_NOT_SERVED = tuple(str(each) for each in (Decision.REFUSED, Decision.ROLLED_BACK, Decision.FAILED, Decision.DRY_RUN))
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
        *_effect(query),
        *([or_(*(_LACKING[lack] for lack in sorted(query.lacking)))] if query.lacking else ()),
        *([_hours(connection, query.outside, query)] if query.outside else ()),
        *([_says(query.text)] if query.text else ()),
        *([entries.c.commits_omitted > 0] if query.omitting else ()),
        *([entries.c.number < query.before] if query.before is not None else ()),
    ]


def concerning(named: str, kinds: Collection[str] = ()) -> ColumnElement[bool]:
    """The rows of `touched` about resources called ``name`` or ``namespace/name``, of some kinds or of any."""
    namespace, _, name = named.rpartition("/")
    found = touched.c.name == name
    if namespace:
        found &= touched.c.namespace == namespace
    return found & touched.c.kind.in_(sorted(kinds)) if kinds else found


def of_commit(digits: str) -> Select[tuple[int]]:
    """The numbers of the entries that a commit is in, given its first digits."""
    chosen = select(entry_commits.c.entry)
    if not _HEX.fullmatch(digits):
        return chosen.where(false())
    # As a range: unlike LIKE it uses the index, whatever the database makes of letters.
    return chosen.where(entry_commits.c.commit_sha >= digits, entry_commits.c.commit_sha < digits + _AFTER_HEX)


def took_effect() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Entries after which another thing was served, or, where that is not known, may have been."""
    return entries.c.changes_served, or_(entries.c.decision.is_(None), entries.c.decision.in_(_SERVED))


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
    kinds = [query.kind] if query.kind else []
    if query.mapping:
        yield entries.c.number.in_(select(touched.c.entry).where(concerning(query.mapping, kinds)))
    elif query.kind:
        yield entries.c.number.in_(select(touched.c.entry).where(touched.c.kind == query.kind))
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
        yield entries.c.number.in_(select(entry_people.c.entry).where(entry_people.c.person_id.in_(found)))
    if query.self_approved:
        yield entries.c.self_approved


def _effect(query: Query) -> Iterator[ColumnElement[bool]]:
    """As `took_effect` has it."""
    if query.wants_effect is True:
        yield from took_effect()
    elif query.wants_effect is False:
        yield entries.c.decision.in_(_NOT_SERVED)


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
