"""What retention must leave alone: what is served, was served in a time that is kept, or is held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

from reconciler.audit.record.groups import read_stamp, stamp
from reconciler.audit.record.projection import milliseconds
from reconciler.audit.store.schema import entries, happenings, holds, open_intents, records, served, served_states
from reconciler.model.audit import Event
from reconciler.model.happening import Happening

# What was kept, held, deleted, signed with which key and left outside is told for as long as there is a journal; so is
# what is missing from it, and whether anything was to be applied: all that comes after is read by these.
_LASTING = tuple(
    map(
        str,
        (
            Happening.HOLD,
            Happening.HOLD_RELEASED,
            Happening.RETENTION_DELETE,
            Happening.KEY_CHANGED,
            Happening.MIGRATED,
            Happening.ANCHORED,
            Happening.ANCHOR_DIFFERS,
            Happening.AUDIT_GAP,
            Happening.INTERRUPTED,
            Happening.SUSPEND,
            Happening.RESUME,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Stretches of records whose contents stay, both ends among them, and the entries they need from before.

    Attributes:
        limit: records behind this one are not old enough; the last stretch.
        held: stretches before it.
        needed: entries that tell of what was served when a stretch began, and with what settings.
        states: records that say what was served when a stretch began.
        holds: which holds were looked at; with others it is another answer.
    """

    limit: int
    held: tuple[tuple[int, int], ...]
    needed: frozenset[int]
    states: frozenset[int]
    holds: tuple[int, ...]

    @property
    def stretches(self) -> Iterator[tuple[int, int | None]]:
        """All of them."""
        yield from self.held
        yield self.limit + 1, None


def kept(connection: Connection, before: datetime) -> Kept:
    """What stays when all that ended before a moment may go. It looks at all that is newer; do so without any lock."""
    newest = connection.execute(select(func.max(records.c.sequence))).scalar() or 0
    limit = (_first_since(connection, before) or newest + 1) - 1
    holding = holds_now(connection)
    held = []
    for row in connection.execute(select(holds).where(holds.c.sequence.in_(holding))):
        stretch = _stretch(connection, row.since, row.until)
        if stretch is not None and stretch[0] <= limit:
            held.append(stretch)
    begins = [limit + 1, *(first for first, _ in held)]
    found = [state for begin in begins if (state := _state_before(connection, begin)) is not None]
    starts = {_started(connection, reached) for reached in (*begins, *(state.sequence for state in found))} - {None}
    needed = frozenset(map(int, filter(None, starts))) | {int(state.entry) for state in found}
    return Kept(limit, tuple(held), needed, frozenset(int(state.sequence) for state in found), holding)


def holds_now(connection: Connection) -> tuple[int, ...]:
    """The holds that are not released."""
    chosen = select(holds.c.sequence).where(holds.c.released.is_(None)).order_by(holds.c.sequence)
    return tuple(connection.execute(chosen).scalars())


def candidates(spared: Kept) -> ColumnElement[bool]:
    """The records whose contents may go, and few others: so that what stays for long isn't looked at every time."""
    lasting = exists().where(happenings.c.entry == records.c.entry, happenings.c.happening.in_(_LASTING))
    held = (records.c.sequence.between(first, last) for first, last in spared.held)
    there = and_(records.c.body.is_not(None), records.c.sequence <= spared.limit)
    return and_(there, records.c.event != str(Event.JOURNAL_STARTED), ~lasting, *(~each for each in held))


def stays(connection: Connection, numbers: Sequence[int], spared: Kept) -> set[int]:
    """Those of some entries whose contents stay."""
    inside = records.c.entry.in_(numbers)
    overlapping = or_(
        records.c.sequence > spared.limit,
        *(and_(records.c.sequence >= first, records.c.sequence <= last) for first, last in spared.held),
    )
    lasting = select(happenings.c.entry).where(happenings.c.entry.in_(numbers), happenings.c.happening.in_(_LASTING))
    brought = (
        select(records.c.entry)
        .join(served, served.c.came == records.c.sequence)
        .where(inside, or_(*_in_force(spared)))
        .distinct()
    )
    statements = (
        select(records.c.entry).where(inside, or_(overlapping, records.c.event == str(Event.JOURNAL_STARTED))),
        select(open_intents.c.sequence).where(open_intents.c.sequence.in_(numbers)),
        lasting,
        brought,
    )
    found = {int(number) for statement in statements for number in connection.execute(statement).scalars()}
    return found | (spared.needed & set(numbers))


def forgotten(spared: Kept, after: int, reached: int) -> ColumnElement[bool]:
    """The states among some records that no kept stretch needs; of them versions go."""
    number = served_states.c.sequence
    among = and_(number > after, number <= reached, served_states.c.era.is_not(None))
    inside = [number.between(first, last) for first, last in spared.held]
    return and_(among, ~or_(number.in_(spared.states), number > spared.limit, *inside))


def outlived(spared: Kept, after: int, reached: int) -> ColumnElement[bool]:
    """The versions that ended among some records, and that no kept stretch needs."""
    ended = and_(served.c.until > after, served.c.until <= reached)
    return and_(ended, ~or_(*_in_force(spared)))


def _in_force(spared: Kept) -> Iterator[ColumnElement[bool]]:
    """A version was served in a stretch, or right before it: that is what was served when it began."""
    for first, last in spared.stretches:
        begun = served.c.since <= last if last is not None else served.c.since.is_not(None)
        yield and_(begun, or_(served.c.until.is_(None), served.c.until >= first))


def _stretch(connection: Connection, since: str | None, until: str | None) -> tuple[int, int] | None:
    """The records of a time; the place between two where nothing happened in it; None before the journal began."""
    newest = connection.execute(select(func.max(records.c.sequence))).scalar() or 0
    first = _first_since(connection, read_stamp(since)) if since else 1
    begun = select(func.max(entries.c.number))
    number = (
        connection.execute(begun.where(entries.c.time_ms < milliseconds(read_stamp(until)))).scalar()
        if until
        else newest
    )
    if number is None:
        return None
    ended = connection.execute(select(entries.c.last).where(entries.c.number == number)).scalar()
    last = max(number, ended or 0)
    return min(first or newest + 1, last + 1), last


def _first_since(connection: Connection, moment: datetime) -> int | None:
    """The first entry that began at a moment or later, or was under way then; whatever the clock did meanwhile."""
    begun = select(func.min(entries.c.number)).where(entries.c.time_ms >= milliseconds(moment))
    first: int | None = connection.execute(begun).scalar()
    before = select(entries.c.number, entries.c.finished).order_by(entries.c.number.desc()).limit(1)
    last = connection.execute(before.where(entries.c.number < first) if first else before).first()
    if last is not None and (last.finished is None or last.finished >= stamp(moment)):
        return int(last.number)
    return first


def _state_before(connection: Connection, begin: int) -> Row[Any] | None:
    """What was served when a stretch begins."""
    chosen: Select[Any] = select(served_states.c.sequence, served_states.c.entry)
    chosen = chosen.where(served_states.c.sequence < begin)
    return connection.execute(chosen.order_by(served_states.c.sequence.desc()).limit(1)).first()


def _started(connection: Connection, reached: int) -> int | None:
    """The start of the process that was at work then, which tells its settings."""
    chosen = select(func.max(happenings.c.entry)).where(
        happenings.c.happening == str(Happening.AUDIT_START), happenings.c.entry <= reached
    )
    found: int | None = connection.execute(chosen).scalar()
    return found
