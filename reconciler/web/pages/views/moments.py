"""Moments and lengths of time as people read them. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_JUST_NOW_S = 5
_LONGEST_IN_DAYS = 60 * _DAY


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a page shows it.

    Attributes:
        stamp: RFC 3339, UTC, to the millisecond: for machines.
        day: ``2026-01-31``; ``time``: ``09:30:00``; both UTC.
        ago: ``3 min ago``; empty where the page is of another time.
    """

    stamp: str
    day: str
    time: str
    ago: str

    @property
    def text(self) -> str:
        """Day and time."""
        return f"{self.day} {self.time} UTC"


def moment(at: datetime, now: datetime | None = None) -> Moment:
    """A time, seen from ``now``. Both aware."""
    utc = at.astimezone(UTC)
    stamp = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Moment(stamp, f"{utc:%Y-%m-%d}", f"{utc:%H:%M:%S}", relative(utc, now) if now else "")


def read(text: str) -> datetime | None:
    """The time that a stamp, or a form's ``datetime-local``, names; UTC where it names no zone. None: it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def relative(at: datetime, now: datetime) -> str:
    """``3 min ago``, ``in 2 h``."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < _JUST_NOW_S:
        return "just now"
    length = rough(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def rough(seconds: float) -> str:
    """A length in its largest unit: ``42 s``, ``3 min``, ``5 h``, ``12 days``, ``4 months``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    if seconds < _LONGEST_IN_DAYS:
        return f"{seconds // _DAY:.0f} days"
    return f"{seconds // (30 * _DAY):.0f} months"


def length(milliseconds: int) -> str:
    """A length to two or three digits: ``85 ms``, ``4.2 s``, ``3 min 12 s``, ``2 h 5 min``, ``3 days 4 h``."""
    seconds = milliseconds / 1000
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return _two(seconds, _MINUTE, "min", 1, "s")
    if seconds < _DAY:
        return _two(seconds, _HOUR, "h", _MINUTE, "min")
    return _two(seconds, _DAY, "days", _HOUR, "h")


def _two(seconds: float, large: int, large_name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(int(seconds), large)
    rest //= small
    return f"{whole} {large_name}" + (f" {rest} {small_name}" if rest else "")
