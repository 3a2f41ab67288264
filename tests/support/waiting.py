"""Waiting for what happens elsewhere, with a deadline."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], *, seconds: float = 15.0, what: str = "") -> None:
    """Polls until ``condition`` is truthy; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)
