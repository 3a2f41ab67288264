"""What is served, and was: every version of every document, and the state after each result that changed it.

Versions are kept by *eras*. When the rows that ended in an era outnumber those that are served (and `_SHORTEST`), the
next change begins another one with a row for everything served then. So to read any moment costs what was served then,
not what has come and gone since the journal began, and a change costs a constant number of rows on average.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.audit.store.listing import damaged
from reconciler.audit.store.newest import Newest
from reconciler.audit.store.newest import newest as checked
from reconciler.audit.store.schema import documents, served, served_states
from reconciler.audit.store.served import NOTHING_KEPT, Kept, Update, amend, compared, key, to_row
from reconciler.model.audit import NOTHING_SERVED, Documents, Served
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.resource import Origin, ResourceId
from reconciler.model.source import Revision

_SHORTEST = 4096  # rows that end before an era may

_COLUMNS = ("kind", "namespace", "name", "path", "line", "touch_sha", "touch_author", "touch_time", "document")
_NEWEST = select(func.max(served_states.c.sequence))
_LIVE = (
    select(*(served.c[name] for name in _COLUMNS if name != "document"), documents.c.body.label("document"))
    .join(documents, documents.c.digest == served.c.document)
    .where(served.c.era == bindparam("of_era"), served.c.until.is_(None))
)
_ENDED = select(func.count()).where(served.c.era == bindparam("of_era"), served.c.until.is_not(None))
_LAST_ERA = select(func.coalesce(func.max(served.c.era), 0))
_END = (
    update(served)
    .where(
        served.c.era == bindparam("of_era"),
        served.c.kind == bindparam("its_kind"),
        served.c.namespace == bindparam("its_namespace"),
        served.c.name == bindparam("its_name"),
        served.c.until.is_(None),
    )
    .values(until=bindparam("ends"))
)
_END_ALL = (
    update(served).where(served.c.era == bindparam("of_era"), served.c.until.is_(None)).values(until=bindparam("ends"))
)
_CARRIED = (*_COLUMNS, "came")
# Gives everything that is still served a row in the next era.
_CARRY = insert(served).from_select(
    ["era", "since", *_CARRIED],
    select(
        bindparam("next_era", type_=served.c.era.type),
        bindparam("begins", type_=served.c.since.type),
        *(served.c[name] for name in _CARRIED),
    ).where(served.c.era == bindparam("of_era"), served.c.until.is_(None)),
)
_ADD = insert(served)
_ADD_STATE = insert(served_states)
_ADD_DOCUMENT = {
    "sqlite": sqlite.insert(documents).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(documents).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Holding:
    """What the tables hold as of one result, so that they need not be read back at every other.

    Attributes:
        sequence: of the result; 0 before the first.
        kept: the documents.
        token: of these documents.
        era: the one they are in.
        ended: how many rows ended in it.
    """

    sequence: int
    kept: Kept
    token: object
    era: int
    ended: int


def newest(connection: Connection) -> int:
    """The result that what is served now came with; 0 where nothing is."""
    return connection.execute(_NEWEST).scalar() or 0


def snapshot(connection: Connection) -> Digest | None:
    """The snapshot that was last applied.

    Raises:
        Stalled: the records say something else.
    """
    state = checked(connection)
    return state.snapshot if state else None


def current(connection: Connection) -> Served:
    """The documents that are served, sorted by identity, with the revision and snapshot they make.

    Raises:
        Stalled: a row is damaged, or the records say something else.
    """
    state = checked(connection)
    if state is None:
        return NOTHING_SERVED
    found = _holding(connection, state).kept.origins
    origins = tuple(found[name] for name in sorted(found))
    return Served(Revision.parse(state.revision) if state.revision else None, origins, state.snapshot)


def holding(connection: Connection) -> Holding:
    """All that is served now.

    Raises:
        Stalled: a row is damaged, or the records say something else.
    """
    return _holding(connection, checked(connection))


def _holding(connection: Connection, state: Newest | None) -> Holding:
    if state is None:
        return Holding(0, NOTHING_KEPT, None, _next_era(connection), 0)
    if state.era is None:
        state.check(NOTHING_KEPT)
        return Holding(state.sequence, NOTHING_KEPT, None, _next_era(connection), 0)
    rows = connection.execute(_LIVE, {"of_era": state.era}).mappings()
    try:
        kept = Kept.of(dict(row) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"a served document is damaged: {type(error).__name__}") from error
    state.check(kept)
    ended = connection.execute(_ENDED, {"of_era": state.era}).scalar_one()
    return Holding(state.sequence, kept, None, state.era, ended)


def update_of(held: Holding, given: Documents) -> Update:
    """What changes in what is served: as the documents say, if they were made from what is held."""
    if given.base is not None and given.base is held.token:
        return amend(held.kept, given.changed)
    return compared(held.kept, given.all())


def write(connection: Connection, held: Holding, change: Update, sequence: int, token: object) -> Holding:
    """Writes what changes with a result; returns what is held then."""
    if change.come:
        bodies = {digest_bytes(origin.document): origin.document for origin in change.come}
        contents = [{"digest": digest, "body": body} for digest, body in bodies.items()]
        connection.execute(_ADD_DOCUMENT[connection.dialect.name], contents)
    if change.gone:
        connection.execute(_END, [_ending(held.era, name, sequence) for name in change.gone])
    after = Holding(sequence, change.kept, token, held.era, held.ended + len(change.gone))
    if after.ended > max(len(change.kept.origins), _SHORTEST):
        after = replace(after, era=held.era + 1, ended=0)
    if change.come:
        connection.execute(_ADD, [_coming(after.era, origin, sequence) for origin in change.come])
    if after.era != held.era:
        connection.execute(_CARRY, {"of_era": held.era, "next_era": after.era, "begins": sequence})
        connection.execute(_END_ALL, {"of_era": held.era, "ends": sequence})
    return after


def write_state(connection: Connection, sequence: int, time_ms: int, entry: int, era: int | None, told: Json) -> None:
    """Writes what a record says is served from it on (its group ``served``).

    Raises:
        KeyError, TypeError: it says no such thing.
    """
    if not isinstance(told, dict):
        raise TypeError("served")
    row = {name: told[name] for name in ("revision", "snapshot", "resources", "documents")}
    connection.execute(_ADD_STATE, {"sequence": sequence, "time_ms": time_ms, "entry": entry, "era": era, **row})


def _next_era(connection: Connection) -> int:
    return int(connection.execute(_LAST_ERA).scalar_one()) + 1


def _ending(era: int, name: ResourceId, sequence: int) -> dict[str, Any]:
    return {"of_era": era, "ends": sequence, **{f"its_{column}": value for column, value in key(name).items()}}


def _coming(era: int, origin: Origin, sequence: int) -> dict[str, Any]:
    row = to_row(origin)
    return {**row, "document": digest_bytes(origin.document), "era": era, "came": sequence, "since": sequence}
