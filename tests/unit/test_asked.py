"""What people type for times and hours, as values, and hours as arithmetic on milliseconds."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, literal, select

from reconciler.audit.store.conditions import milliseconds
from reconciler.audit.store.hours import outside, stretches
from reconciler.model.asked import hours, moment
from reconciler.model.question import Window
from tests.support.journals import NOON

_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca", "Australia/Lord_Howe")
_TIMES = st.datetimes(datetime(1995, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC follows
_CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30, 59]))
_WINDOWS = st.builds(
    Window, st.frozensets(st.integers(0, 6)), _CLOCKS, _CLOCKS, st.sampled_from([ZoneInfo(name) for name in _ZONES])
)
_ENGINE = create_engine("sqlite://")


def within(window: Window, at: datetime) -> bool:
    """Whether a moment is within the hours, by the clock on the wall."""
    local = at.astimezone(window.zone)
    clock, today = local.time(), local.weekday()
    if window.begin < window.end:
        return today in window.days and window.begin <= clock < window.end
    began_yesterday = (today - 1) % 7 in window.days and clock < window.end
    return began_yesterday or (today in window.days and clock >= window.begin)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOON),
        ("24h", NOON - timedelta(hours=24)),
        ("7d", NOON - timedelta(days=7)),
        ("1d12h", NOON - timedelta(hours=36)),
        ("2026-05-06", datetime(2026, 5, 6, tzinfo=UTC)),
        ("2026-05-06T12:30:00", datetime(2026, 5, 6, 12, 30, tzinfo=UTC)),
        ("2026-05-06T12:30:00+02:00", datetime(2026, 5, 6, 10, 30, tzinfo=UTC)),
        (" 2026-05-06T12:30:00.250Z ", datetime(2026, 5, 6, 12, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_or_how_long_ago(text: str, expected: datetime) -> None:
    """Dates, RFC 3339 and durations; UTC where no zone is said."""
    assert moment(text, NOON) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "h", "24", "24h ago", "2026-13-01", "999999w" * 20, "9" * 10_000])
def test_what_is_no_time_is_told_in_words(text: str) -> None:
    """The sentence says what was expected, and stays short."""
    with pytest.raises(ValueError, match="expected a time such as") as caught:
        moment(text, NOON)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "days", "begin", "end", "zone"),
    [
        ("Mon-Fri 09:00-17:00 Europe/Berlin", {0, 1, 2, 3, 4}, time(9), time(17), "Europe/Berlin"),
        ("sat,sunday 0:00-24:00", {5, 6}, time(0), time(0), "UTC"),
        ("Sat-Mon 22:30-6:00 UTC", {5, 6, 0}, time(22, 30), time(6), "UTC"),
        ("22:00-06:00", set(range(7)), time(22), time(6), "UTC"),
    ],
)
def test_hours_of_the_week(text: str, days: set[int], begin: time, end: time, zone: str) -> None:
    """Days as names, ranges and lists, also over the weekend; a zone, or UTC."""
    assert hours(text) == Window(frozenset(days), begin, end, ZoneInfo(zone))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon-Fri",
        "Mon-Fri 9-17",
        "Foo 09:00-17:00",
        "09:00-24:30",
        "09:00-17:00 Mars/Base",
        "9:00-17:00 Europe",
        "09:00-17:00 ../../etc/passwd",
        "Mon-Fri 09:00-17:00 " + "x" * 1000,
    ],
)
def test_what_are_no_hours_is_told_in_words(text: str) -> None:
    """Also where a zone is none: nothing outside of the list of zones is opened."""
    with pytest.raises(ValueError, match=r"expected|no time zone"):
        hours(text)


@settings(max_examples=40)
@given(st.sampled_from(_ZONES), _TIMES, st.integers(0, 400))
def test_stretches_tell_the_offset_of_every_moment(name: str, begin: datetime, days: int) -> None:
    """They follow on each other without a gap, and each has the offset the zone has at its first and last moment."""
    zone, start = ZoneInfo(name), milliseconds(begin)
    end = start + days * 86_400_000
    found = list(stretches(zone, start, end))
    assert [one.begin for one in found] + [end] == [start] + [one.end for one in found] if days else found == []
    for one in found:
        for at in (one.begin, (one.begin + one.end) // 2, one.end - 1):
            local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(zone)
            assert local.utcoffset() == timedelta(milliseconds=one.offset)


@settings(max_examples=40)
@given(_WINDOWS, _TIMES, st.lists(st.integers(0, 400 * 86_400), min_size=1, max_size=20))
def test_hours_are_those_of_the_clock_on_the_wall(window: Window, start: datetime, seconds: list[int]) -> None:
    """The arithmetic that a database does agrees with the zone's own rules, summer time and all."""
    moments = [start + timedelta(seconds=each) for each in seconds]
    values = [milliseconds(at) for at in moments]
    asked = select(*(outside(literal(each), window, min(values), max(values) + 1) for each in values))
    with _ENGINE.connect() as connection:
        told = connection.execute(asked).one()
    rounded = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=each) for each in values]
    assert [bool(one) for one in told] == [not within(window, at) for at in rounded]
