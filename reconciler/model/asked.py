"""What people type to ask for a time or for hours of the week, as values. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reconciler.model.question import Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_HOURS = re.compile(r"(?:(?P<days>[a-z,-]+) +)?(?P<begin>[0-9:]+)-(?P<end>[0-9:]+)(?: +(?P<zone>\S+))?", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")
_LONGEST = 100  # characters of a text that means anything
_MIDNIGHT = 24


def moment(text: str, now: datetime) -> datetime:
    """A date, a time (RFC 3339; UTC where it says no zone), ``now``, or how long ago: ``24h``, ``7d``, ``1d12h``.

    Raises:
        ValueError: it is none of these, in words for people.
    """
    asked = text.strip()
    if asked == "now":
        return now
    try:
        if ago := _seconds(asked):
            return now - timedelta(seconds=ago)
        found = datetime.fromisoformat(asked[:_LONGEST])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"expected a time such as 2026-05-06, 2026-05-06T12:00:00Z, 24h (ago) or 7d, got {text[:_LONGEST]!r}"
        ) from error


def hours(text: str) -> Window:
    """Hours of the week: ``Mon-Fri 09:00-17:00 Europe/Berlin``, ``Sat,Sun 0:00-24:00``, ``22:00-06:00`` every day, UTC.

    Raises:
        ValueError: it says none, or names a zone that nobody knows, in words for people.
    """
    found = _HOURS.fullmatch(text[:_LONGEST].strip())
    if not found:
        raise ValueError(f"expected hours such as 'Mon-Fri 09:00-17:00 Europe/Berlin', got {text[:_LONGEST]!r}")
    begin, end = _clock(found["begin"]), _clock(found["end"])
    return Window(_days(found["days"]), begin, end, _zone(found["zone"] or "UTC"))


def _seconds(text: str) -> int:
    parts = _AGO.findall(text)
    return sum(int(n) * _UNITS[unit] for n, unit in parts) if "".join(n + unit for n, unit in parts) == text else 0


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(len(_DAYS)))
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        begin = _day(first)
        length = (_day(last) - begin) % len(_DAYS) if dash else 0
        found.update((begin + each) % len(_DAYS) for each in range(length + 1))
    return frozenset(found)


def _day(text: str) -> int:
    if text[:3] not in _DAYS:
        raise ValueError(f"expected a day such as Mon or Fri, got {text!r}")
    return _DAYS.index(text[:3])


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if not found or (int(found[1]) == _MIDNIGHT and found[2] != "00"):
        raise ValueError(f"expected a time of day such as 09:00, got {text!r}")
    return time(int(found[1]) % _MIDNIGHT, int(found[2]))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}; expected one such as Europe/Berlin or UTC") from error
