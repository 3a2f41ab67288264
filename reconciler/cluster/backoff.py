"""How long to wait before trying again."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Growing, jittered waits: those who failed together must not come back together.

    Attributes:
        base_s: the first wait, before jitter.
        cap_s: the longest, before jitter.
        chance: a number from 0 to 1, uniform.
    """

    base_s: float
    cap_s: float
    chance: Callable[[], float] = random.random
    failures: int = field(default=0, init=False)

    def next(self, at_least: float = 0.0) -> float:
        """The next wait in seconds, between a half and the whole of what doubling gives.

        Args:
            at_least: what the server asked for; up to a half is added: they were all told the same.
        """
        whole = min(self.cap_s, self.base_s * float(2 ** min(self.failures, 30)))
        self.failures += 1
        jittered = whole * (0.5 + self.chance() / 2)
        return max(jittered, at_least * (1 + self.chance() / 2))

    def reset(self) -> None:
        """It works again."""
        self.failures = 0
