"""One log line per access to pages and API; of somebody who asks very often, a count for each hour in their place."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from reconciler.web.access import Access

_MOST_LINES = 600  # of one viewer in an hour: ten a minute
_MOST_VIEWERS = 10_000
_HOUR_S = 3600.0


@dataclass(slots=True)
class _Hour:
    begun: float
    seen: int = 0


@dataclass(slots=True)
class AccessLog:
    """Writes who saw what, so that it can be counted. Called from one thread.

    Attributes:
        clock: seconds that never go back.
    """

    clock: Callable[[], float] = time.monotonic
    _hours: dict[tuple[str, str], _Hour] = field(default_factory=dict)

    def write(self, access: Access) -> None:
        """One access. Of those nobody knows each address counts for itself."""
        who = (access.viewer, "" if access.viewer else access.peer)
        hour = self._hours.get(who)
        if hour is None or hour.begun + _HOUR_S <= self.clock():
            self._tell_rest(who, hour)
            self._make_room()
            hour = self._hours[who] = _Hour(self.clock())
        hour.seen += 1
        if hour.seen <= _MOST_LINES:
            structlog.get_logger().info("access", **_facts(access), **_last(hour))

    def close(self) -> None:
        """Tells what was only counted."""
        for who, hour in self._hours.items():
            self._tell_rest(who, hour)
        self._hours.clear()

    def _make_room(self) -> None:
        while len(self._hours) >= _MOST_VIEWERS:
            oldest = next(iter(self._hours))
            self._tell_rest(oldest, self._hours.pop(oldest))

    def _tell_rest(self, who: tuple[str, str], hour: _Hour | None) -> None:
        if hour is not None and hour.seen > _MOST_LINES:
            structlog.get_logger().info("accesses", viewer=who[0], peer=who[1], more=hour.seen - _MOST_LINES)


def _facts(access: Access) -> dict[str, object]:
    return {
        "viewer": access.viewer,
        "through": access.through,
        "peer": access.peer,
        "method": access.method,
        "path": access.path,
        "status": access.status,
        "ms": access.ms,
    }


def _last(hour: _Hour) -> dict[str, object]:
    return {"further": "counted only, for an hour"} if hour.seen == _MOST_LINES else {}
