"""What was done to one resource, and which change set each field of a route."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from reconciler.audit.record.groups import identity
from reconciler.audit.store.conditions import concerning
from reconciler.audit.store.listing import damaged, numbered, record_of
from reconciler.audit.store.schema import records, touched
from reconciler.model.audit import AuditRecord
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.plan import FieldChange, Op
from reconciler.model.question import ROUTE_KINDS, Blamed, RouteChange
from reconciler.model.resource import Kind, ResourceId

_MOST_NAMES = 20_000
_ALIKE = 3
_ROUTES = b'"routes":'  # as canonical JSON has it
_AT_ONCE = 50  # a first apply of very many routes among them is large
_COLUMNS = (touched.c.entry, touched.c.kind, touched.c.namespace, touched.c.name, touched.c.op, touched.c.applied)


def history(
    connection: Connection,
    named: str,
    limit: int | None,
    before: int | None,
    kinds: Collection[str] = ROUTE_KINDS,
) -> list[RouteChange]:
    """What was done to resources of a name, newest first.

    Args:
        connection: reads.
        named: ``name`` or ``namespace/name``.
        limit: at most so many, but all of an entry where there is any of it, so that no page ends within one.
        before: the entry's number is smaller.
        kinds: of which kinds; none for any.
    """
    wanted = _changes(named, kinds)
    if before is not None:
        wanted = wanted.where(touched.c.entry < before)
    rows = connection.execute(wanted.limit(limit)).all()
    if limit is not None and len(rows) == limit:
        last = rows[-1].entry
        whole = _changes(named, kinds).where(touched.c.entry == last)
        rows = [*(row for row in rows if row.entry != last), *connection.execute(whole)]
    return list(_told(connection, rows))


def blame(connection: Connection, mapping: str) -> tuple[Blamed, ...]:
    """Each field of a route as it is served, or was before it was deleted, with the change that set it.

    Where a name alone is that of several routes, each of them, one after the other.
    """
    wanted = connection.execute(_changes(mapping, ROUTE_KINDS).where(touched.c.applied)).all()
    by_route: dict[tuple[str, str, str], list[Row[Any]]] = {}
    for row in wanted:
        by_route.setdefault((row.namespace, row.name, row.kind), []).append(row)
    return tuple(told for key in sorted(by_route) for told in _blamed(connection, by_route[key]))


def _blamed(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[Blamed]:
    """The fields of one route, in the order of plans, from the rows of its applied changes, newest first.

    Of most changes no more is read than their fields; entries are made of those few that set something.
    """
    told: dict[str, tuple[str, Row[Any] | None]] = {}
    settled: set[str] = set()
    names: list[list[str]] = []
    for number, (row, fields) in enumerate(_fields(connection, rows)):
        if row.op == Op.DELETE:
            if number:
                break  # what was there before has nothing to do with the route that was made anew
            told = {one.field: (one.before, None) for one in fields if one.before}
            continue
        told.update((one.field, (one.after, row)) for one in fields if one.field not in settled and one.after)
        names.append([one.field for one in fields])
        settled.update(names[-1])
        if row.op == Op.CREATE:
            break
    setters = [row for _, row in told.values() if row is not None]
    held = _held(connection, rows)
    found = {
        change.entry.sequence: replace(change, held=change.entry.sequence in held)
        for change in _told(connection, setters)
    }
    # In the order in which the oldest of them tells them: all that a route has, as a plan does.
    order = dict.fromkeys(name for listed in [*reversed(names), list(told)] for name in listed)
    name = ResourceId(Kind(rows[0].kind), rows[0].namespace, rows[0].name)
    for field, (value, setter) in ((field, told[field]) for field in order if field in told):
        yield Blamed(field, value, found[setter.entry] if setter is not None else None, name)


def _held(connection: Connection, rows: Sequence[Row[Any]]) -> set[int]:
    """The entries, of some about one route, before which it was held back since the one before them."""
    about = concerning(f"{rows[0].namespace}/{rows[0].name}", [rows[0].kind])
    told = select(touched.c.entry).where(about, touched.c.op.is_(None)).order_by(touched.c.entry)
    back = connection.execute(told).scalars().all()
    numbers = [row.entry for row in rows]
    spans = zip(numbers, [*numbers[1:], 0], strict=True)
    return {later for later, earlier in spans if bisect_left(back, later) > bisect_right(back, earlier)}


def _fields(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], list[FieldChange]]]:
    """What each row changed, as the records tell it."""
    rest = iter(rows)
    while batch := list(islice(rest, _AT_ONCE)):
        names = (records.c.sequence, records.c.hash, records.c.time, records.c.event, records.c.entry, records.c.body)
        chosen = select(*names).where(records.c.entry.in_([row.entry for row in batch])).order_by(records.c.sequence)
        bodies: dict[int, list[AuditRecord]] = {}
        for one in connection.execute(chosen):
            if one.body is None or _ROUTES not in one.body:
                continue  # it tells of no route
            record = record_of(one.sequence, one.hash, one.time, one.event, one.body)
            bodies.setdefault(one.entry, []).append(record)
        for row in batch:
            name = ResourceId(Kind(row.kind), row.namespace, row.name)
            listed = _route(bodies.get(row.entry, ()), name, newest_first=True).get("fields")
            yield row, [_field(one) for one in listed] if isinstance(listed, list) else []


def names_like(connection: Connection, named: str) -> list[str]:
    """Names of resources that differ little from one of which nothing is known, the most alike first."""
    if connection.execute(select(touched.c.entry).where(concerning(named)).limit(1)).first() is not None:
        return []
    rows = connection.execute(select(touched.c.namespace, touched.c.name).distinct().limit(_MOST_NAMES))
    known = {f"{row.namespace}/{row.name}": row.name for row in rows}
    bare = "/" not in named
    wanted = named.rpartition("/")[2]
    elsewhere = [] if bare else sorted(whole for whole, name in known.items() if name == wanted)
    alike = get_close_matches(named, sorted(set(known.values()) if bare else known), _ALIKE)
    return list(dict.fromkeys([*elsewhere, *alike]))[:_ALIKE]


def _changes(named: str, kinds: Collection[str]) -> Select[Any]:
    """The rows about resources of a name that tell of a change, newest first."""
    chosen = select(*_COLUMNS).where(concerning(named, kinds), touched.c.op.is_not(None))
    # A sum is in no index: else a database may walk all of a namespace, whose rows have the right order already.
    return chosen.order_by((touched.c.entry + 0).desc(), touched.c.namespace, touched.c.kind)


def _told(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[RouteChange]:
    rest = iter(rows)
    while batch := list(islice(rest, _AT_ONCE)):
        found = numbered(connection, (row.entry for row in batch))
        for row in batch:
            entry = found.get(row.entry)
            if entry is None:
                raise damaged(f"record {row.entry} is damaged")
            try:
                yield _change(entry, row)
            except (KeyError, TypeError, ValueError) as error:
                raise damaged(f"record {row.entry} is damaged") from error


def _change(entry: Entry, row: Row[Any]) -> RouteChange:
    name = ResourceId(Kind(row.kind), row.namespace, row.name)
    # What was applied stands in the result, where that is not all that was intended.
    told = _route(entry.records, name, newest_first=bool(row.applied))
    fields = told.get("fields")
    return RouteChange(
        entry=entry,
        op=Op(str(told.get("op", row.op))),
        fields=tuple(_field(one) for one in fields) if isinstance(fields, list) else (),
        before=told.get("before"),
        after=told.get("after"),
        applied=bool(row.applied),
        id=name,
    )


def _route(told: Sequence[AuditRecord], name: ResourceId, *, newest_first: bool) -> dict[str, Json]:
    """What a record says of a resource; nothing where retention deleted it."""
    wanted = identity(name).items()
    for record in reversed(told) if newest_first else told:
        change = record.body.get("change")
        lists = [change.get(name) for name in ("routes", "documents")] if isinstance(change, dict) else []
        for route in (each for listed in lists if isinstance(listed, list) for each in listed):
            if isinstance(route, dict) and wanted <= route.items():
                return route
    return {}


def _field(value: Json) -> FieldChange:
    if not isinstance(value, dict):
        raise TypeError("field")
    return FieldChange(str(value["field"]), str(value["before"]), str(value["after"]))
