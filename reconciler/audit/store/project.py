"""Writes the rows that stand beside a record: what `record.projection` makes of it."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from reconciler.audit.record.projection import EntryRow, Projection, Touched, of
from reconciler.audit.store import schema
from reconciler.model.audit import AuditRecord

_entries, _people, _touched = schema.entries, schema.people, schema.touched

# Made once: putting a statement together takes longer than the database takes to run it.
_ADD_ENTRY, _ADD_PERSON, _ADD_TOUCHED = map(insert, (_entries, _people, _touched))
_ADD_HAPPENING, _ADD_COMMIT = map(insert, (schema.happenings, schema.entry_commits))
_ADD_ENTRY_PERSON = insert(schema.entry_people)
_FIND_PERSON = select(_people.c.id).where(_people.c.text == bindparam("text"))
_SET_ENTRY = (
    update(_entries)
    .where(_entries.c.number == bindparam("this"))
    .values({column.name: bindparam(column.name) for column in _entries.c if column.name != "number"})
)
_APPLY_ALL = (
    update(_touched).where(_touched.c.entry == bindparam("this"), _touched.c.op.is_not(None)).values(applied=True)
)
_SET_TOUCHED = (
    update(_touched)
    .where(
        _touched.c.entry == bindparam("this"),
        _touched.c.kind == bindparam("its_kind"),
        _touched.c.namespace == bindparam("its_namespace"),
        _touched.c.name == bindparam("its_name"),
    )
    .values(op=bindparam("op"), applied=bindparam("applied"))
)
_COLUMNS = tuple(each.name for each in fields(EntryRow) if each.name != "author")


def begun(connection: Connection, first: AuditRecord) -> None:
    """Writes the rows of an entry whose first record was just written."""
    made = of(first, None)
    connection.execute(_ADD_ENTRY, _row(connection, made.entry))
    _add(connection, made, None)


def concluded(connection: Connection, first: AuditRecord, last: AuditRecord) -> None:
    """Brings the rows of an entry up to date with the record that concludes it."""
    before, after = of(first, None), of(first, last)
    row = _row(connection, after.entry)
    connection.execute(_SET_ENTRY, {**row, "this": row.pop("number")})
    _settle(connection, after.entry.number, before.touched, after.touched)
    _add(connection, after, before)


def _row(connection: Connection, entry: EntryRow) -> dict[str, Any]:
    author = None if entry.author is None else _person(connection, entry.author)
    return {**{name: getattr(entry, name) for name in _COLUMNS}, "author_id": author}


def _person(connection: Connection, text: str) -> int:
    found = connection.execute(_FIND_PERSON, {"text": text}).scalar()
    if found is not None:
        return int(found)
    made = connection.execute(_ADD_PERSON, {"text": text}).inserted_primary_key
    return int(made[0]) if made else 0


def _add(connection: Connection, made: Projection, beside: Projection | None) -> None:
    """The rows of other tables that are not there yet."""
    number = made.entry.number
    happened = set(made.happenings) - set(beside.happenings if beside else ())
    if happened:
        connection.execute(_ADD_HAPPENING, [{"happening": each, "entry": number} for each in sorted(happened)])
    commits = set(made.commits) - set(beside.commits if beside else ())
    if commits:
        connection.execute(_ADD_COMMIT, [{"commit_sha": each, "entry": number} for each in sorted(commits)])
    people = sorted(set(made.people) - set(beside.people if beside else ()))
    if people:
        rows = [{"person_id": _person(connection, each), "entry": number} for each in people]
        connection.execute(_ADD_ENTRY_PERSON, rows)
    known = {_id(each) for each in beside.touched} if beside else set()
    come = [{"entry": number, **asdict(each)} for each in made.touched if _id(each) not in known]
    if come:
        connection.execute(_ADD_TOUCHED, come)


def _settle(connection: Connection, number: int, before: tuple[Touched, ...], after: tuple[Touched, ...]) -> None:
    """Changes the rows of `touched` that the conclusion changes; in the usual case all of them, by one statement."""
    then = {_id(each): each for each in after}
    changed = [then[_id(each)] for each in before if then[_id(each)] != each]
    planned = [each for each in before if each.op is not None]
    if changed and [each.applied for each in changed] == [True] * len(planned) and _same_ops(planned, changed):
        connection.execute(_APPLY_ALL, {"this": number})
    elif changed:
        rows = [
            {
                "this": number,
                "its_kind": each.kind,
                "its_namespace": each.namespace,
                "its_name": each.name,
                "op": each.op,
                "applied": each.applied,
            }
            for each in changed
        ]
        connection.execute(_SET_TOUCHED, rows)


def _same_ops(planned: list[Touched], changed: list[Touched]) -> bool:
    return [(_id(each), each.op) for each in planned] == [(_id(each), each.op) for each in changed]


def _id(each: Touched) -> tuple[str, str, str]:
    return each.kind, each.namespace, each.name
