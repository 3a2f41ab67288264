"""How many requests may be sent: a bucket that fills steadily, so that trouble never becomes a storm."""

import threading
import time
from collections.abc import Callable


class Throttle:
    """A token bucket, as every client of Kubernetes has one. Threads may share it.

    Args:
        per_second: how fast it fills.
        burst: how much it holds, and holds at first.
        clock: seconds, never going back.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, float(burst), clock
        self._lock = threading.Lock()
        self._tokens, self._filled_at = self._burst, clock()

    def take(self, within: float) -> float | None:
        """Take one token, if need be one of the future.

        Returns:
            The seconds to wait until it may be used; None where that is more than ``within``, and none is taken.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            wait = max(0.0, (1 - self._tokens) / self._rate)
            if wait > within:
                return None
            self._tokens -= 1
            return wait
