"""Deletes by itself what the journal need not keep: once a day, a little after each reconcile until it is done."""

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
    """

    keeping: Retention
    keep: timedelta
    clock: Callable[[], datetime]
    _due: datetime | None = field(default=None, init=False)
    _before: datetime | None = field(default=None, init=False)
    _reached: int = field(default=0, init=False)

    def step(self) -> None:
        """Does as much as keeps nobody waiting; nothing until it is due. What could not be done is tried an hour on."""
        now = self.clock()
        if not self.keep or (self._before is None and self._due is not None and now < self._due):
            return
        if self._before is None:
            self._before, self._reached = now - self.keep, 0
        try:
            done = self.keeping.step(self._before, _ACTOR, self._reached)
        except ReconcileError:
            self._before, self._due = None, now + _HOUR
            return
        self._reached = done.reached
        if done.done:
            self._before, self._due = None, now + _DAY
