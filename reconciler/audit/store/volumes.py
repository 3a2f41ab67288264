"""How much happened, stretch by stretch."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, literal, select

from reconciler.audit.store.conditions import milliseconds
from reconciler.audit.store.schema import entries, happenings, touched
from reconciler.model.decision import Decision
from reconciler.model.question import Volume
from reconciler.model.resource import Kind

_ROUTES = (str(Kind.MAPPING), str(Kind.TCP_MAPPING))
_SERVED = (str(Decision.APPLIED), str(Decision.PARTIAL))


def volume(
    connection: Connection,
    since: datetime,
    until: datetime,
    stretches: int,
    namespaces: frozenset[str] | None = None,
) -> tuple[Volume, ...]:
    """What happened in each of so many equal stretches; of routes of these namespaces alone where some are named.

    Raises:
        ValueError: there is no time between, or no stretch; or one would begin after the end of all calendars.
    """
    begin, end = milliseconds(since), milliseconds(until)
    if end <= begin or stretches < 1:
        raise ValueError("a time that ends after it begins, and at least one stretch")
    # Whole milliseconds, so that each database agrees in which stretch a moment is.
    width = -(-(end - begin) // stretches)
    try:
        begins = [since + timedelta(milliseconds=each * width) for each in range(stretches)]
    except OverflowError as error:
        raise ValueError("these times are too near to the end of the calendar to be divided") from error
    number: ColumnElement[int] = ((entries.c.time_ms - literal(begin)) // width).label("stretch")
    within: list[ColumnElement[bool]] = [entries.c.time_ms >= begin, entries.c.time_ms < end]
    if namespaces is not None:
        theirs = touched.c.namespace.in_(sorted(namespaces))
        within.append(entries.c.number.in_(select(touched.c.entry).where(theirs)))
    changes = _changes(number, namespaces).where(*within).group_by("stretch")
    told = select(number, happenings.c.happening, func.count().label("many"))
    told = told.join_from(entries, happenings, happenings.c.entry == entries.c.number).where(*within)
    # One text for each stretch: as rows, the times of two hundred thousand applies take half a second to be read.
    times = func.aggregate_strings(cast(entries.c.lead_ms, String), ",")
    leads = select(number, times.label("times")).where(*within, entries.c.lead_ms.is_not(None)).group_by("stretch")
    by_stretch: dict[int, int] = {row.stretch: int(row.many) for row in connection.execute(changes)}
    decisions: dict[int, dict[str, int]] = {}
    for row in connection.execute(told.group_by("stretch", happenings.c.happening).order_by(happenings.c.happening)):
        decisions.setdefault(row.stretch, {})[row.happening] = row.many
    lead_times = {row.stretch: sorted(map(int, row.times.split(","))) for row in connection.execute(leads)}
    return tuple(
        Volume(
            begin=begins[each],
            changes=by_stretch.get(each, 0),
            decisions=decisions.get(each, {}),
            lead_times_ms=tuple(lead_times.get(each, ())),
        )
        for each in range(stretches)
    )


def _changes(number: ColumnElement[int], namespaces: frozenset[str] | None) -> Select[int, int]:
    """How many routes were changed: of all namespaces the entries tell it, of some the rows of each route do."""
    if namespaces is None:
        routes = func.sum(entries.c.creates + entries.c.updates + entries.c.deletes)
        return select(number, routes.label("many")).where(entries.c.decision.in_(_SERVED))
    chosen = select(number, func.count().label("many"))
    return chosen.join_from(entries, touched, touched.c.entry == entries.c.number).where(
        touched.c.namespace.in_(sorted(namespaces)),
        touched.c.kind.in_(_ROUTES),
        touched.c.applied,
        touched.c.op.is_not(None),
    )
