"""Hours of the week as arithmetic on milliseconds, so that a database can ask for what lies outside of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, not_, or_

from reconciler.model.question import Window

_SECOND = 1_000
_DAY = 86_400 * _SECOND
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0
# Since 1970 no zone has changed its offset twice within less than six days.
_STEP = 3 * _DAY


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the clocks of a zone were not changed.

    Attributes:
        begin, end: milliseconds since 1970; the end is not part of it.
        offset: of local time to UTC, in milliseconds.
    """

    begin: int
    end: int
    offset: int


def stretches(zone: ZoneInfo, begin: int, end: int) -> Iterator[Stretch]:
    """The stretches that a time consists of, in order.

    Args:
        zone: whose clocks.
        begin: milliseconds since 1970.
        end: likewise; not part of it.
    """
    start, offset, here = begin, _offset(zone, begin), begin
    while here < end:
        there = min(here + _STEP, end)
        if _offset(zone, there) != offset:
            changed = _change(zone, here, there)
            yield Stretch(start, changed, offset)
            start, offset, there = changed, _offset(zone, changed), changed
        here = there
    if start < end:
        yield Stretch(start, end, offset)


def outside(moment: ColumnElement[int], window: Window, begin: int, end: int) -> ColumnElement[bool]:
    """Whether a moment is not within the hours of a window.

    Args:
        moment: milliseconds since 1970; from ``begin`` on, and before ``end``.
        window: the hours.
        begin: see there.
        end: see there.
    """
    found = [
        and_(moment >= one.begin, moment < one.end, not_(_within(moment + one.offset, window)))
        for one in stretches(window.zone, begin, end)
    ]
    return or_(*found) if found else moment < begin


def _within(local: ColumnElement[int], window: Window) -> ColumnElement[bool]:
    """Whether a moment of local time, in milliseconds, is within the hours."""
    day, clock = (local // _DAY + _EPOCH_WEEKDAY) % 7, local % _DAY
    begin, end = _milliseconds(window.begin), _milliseconds(window.end)
    today = day.in_(sorted(window.days))
    if begin < end:
        return and_(today, clock >= begin, clock < end)
    yesterday = day.in_(sorted((each + 1) % 7 for each in window.days))
    return or_(and_(today, clock >= begin), and_(yesterday, clock < end))


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first moment with another offset than ``before`` has; ``after`` has one."""
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after


def _offset(zone: ZoneInfo, moment: int) -> int:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).astimezone(zone)
    return round((local.utcoffset() or timedelta()) / timedelta(milliseconds=1))


def _milliseconds(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * _SECOND + clock.microsecond // _SECOND
