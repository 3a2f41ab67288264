"""What retention deleted of a time, as its entries tell: nobody may take a gap for a time in which nothing happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from reconciler.audit.record.groups import stamp
from reconciler.audit.store.retention import deletions
from reconciler.audit.store.schema import records
from reconciler.model.digest import Json
from reconciler.model.retention import Erased

_FEW = 400  # parameters of one statement; every database takes more


@dataclass(frozen=True, slots=True)
class _Told:
    """One deletion: its entry, how many records, and the first and the last of them."""

    by: int
    records: int
    first: int
    last: int


def erased(connection: Connection, since: datetime | None, until: datetime | None) -> Erased | None:
    """The records of a time that retention deleted; None where there are none.

    Args:
        connection: to the journal.
        since: not before; None for any.
        until: before; likewise.

    Raises:
        Stalled: an entry that tells of a deletion is damaged.
    """
    told = [each for number, facts in deletions(connection) if (each := _told(number, facts)) is not None]
    if since is not None or until is not None:
        begin, end = stamp(since) if since else "", stamp(until) if until else "~"
        told = list(_within(connection, told, begin, end))
    if not told:
        return None
    first, last = min(each.first for each in told), max(each.last for each in told)
    return Erased(sum(each.records for each in told), first, last, tuple(each.by for each in told))


def _told(number: int, facts: dict[str, Json]) -> _Told | None:
    """None where it deleted documents alone."""
    ranges, counted = facts.get("ranges"), facts.get("records")
    listed = [each for each in ranges if isinstance(each, list) and each] if isinstance(ranges, list) else []
    if not listed or not isinstance(counted, int):
        return None
    return _Told(number, counted, int(str(listed[0][0])), int(str(listed[-1][-1])))


def _within(connection: Connection, told: Sequence[_Told], begin: str, end: str) -> Iterator[_Told]:
    """As much of each as is of a time; only where that begins or ends within one are its records looked at."""
    times = _times(connection, [number for each in told for number in (each.first, each.last)])
    for each in told:
        first, last = times.get(each.first, ""), times.get(each.last, "~")
        if last < begin or first >= end:
            continue
        if begin <= first and last < end:
            yield each
            continue
        among = records.c.sequence.between(each.first, each.last), records.c.body.is_(None)
        chosen = select(func.count(), func.min(records.c.sequence), func.max(records.c.sequence))
        many, least, most = connection.execute(
            chosen.where(*among, records.c.time >= begin, records.c.time < end)
        ).one()
        if many:
            yield _Told(each.by, many, least, most)


def _times(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(numbers), _FEW):
        chosen = select(records.c.sequence, records.c.time)
        among = records.c.sequence.in_(numbers[start : start + _FEW])
        found.update((row.sequence, row.time) for row in connection.execute(chosen.where(among)))
    return found
