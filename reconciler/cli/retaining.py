"""Deletes by itself what the journal need not keep: once a day, a little after each reconcile until it is done.

Whether it was done today the journal itself says: a process may live for one reconcile, as that of `sync` does.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.audit import Retention
from reconciler.model.errors import ReconcileError
from reconciler.model.happening import Actor

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_ACTOR = Actor("", "setting retention")


@dataclass(slots=True)
class Retaining:
    """The daily deletion of one controller.

    Attributes:
        keeping: of its journal.
        keep: what ended longer ago is deleted; nothing where it is zero.
        clock: the time now.
        budget: seconds that it may take after one reconcile; at least one step is made.
    """

    keeping: Retention
    keep: timedelta
    clock: Callable[[], datetime]
    budget: float = 1.0
    _due: datetime | None = field(default=None, init=False)
    _before: datetime | None = field(default=None, init=False)
    _reached: int = field(default=0, init=False)

    def step(self) -> None:
        """Does as much as keeps nobody waiting; nothing until it is due. What could not be done is tried an hour on."""
        now = self.clock()
        if not self.keep or (self._before is None and self._due is not None and now < self._due):
            return
        try:
            if self._before is None and self._done_today(now):
                return
            self._delete(now)
        except ReconcileError:
            self._before, self._due = None, now + _HOUR

    def _done_today(self, now: datetime) -> bool:
        """Whether another process did it less than a day ago; when it is due again, then."""
        finished = self.keeping.finished()
        if not finished:
            return False
        due = datetime.fromisoformat(finished) + self.keep + _DAY
        if not now < due <= now + _DAY:
            return False  # the clock, or what is kept, is another one by now
        self._due = due
        return True

    def _delete(self, now: datetime) -> None:
        began = time.monotonic()
        if self._before is None:
            self._before, self._reached = now - self.keep, 0
        while True:
            done = self.keeping.step(self._before, _ACTOR, self._reached)
            self._reached = done.reached
            if done.done:
                self._before, self._due = None, now + _DAY
                return
            if time.monotonic() - began >= self.budget:
                return
