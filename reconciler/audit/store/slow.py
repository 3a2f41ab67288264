"""Says how far something is that takes longer than a second, so that nobody takes it for one that hangs."""

import logging
import time
from dataclasses import dataclass, field

_EVERY_S = 1.0
_LOG = logging.getLogger("reconciler")


@dataclass(slots=True)
class Slow:
    """Something that goes on record by record.

    Attributes:
        what: in words.
        total: how many records there are.
    """

    what: str
    total: int
    _said: float = field(default_factory=time.monotonic)

    def reached(self, done: int) -> None:
        """So many are done."""
        now = time.monotonic()
        if now - self._said >= _EVERY_S:
            self._said = now
            _LOG.warning("%s: %d of %d records", self.what, done, self.total)
