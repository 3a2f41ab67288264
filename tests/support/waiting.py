"""Waiting for what happens elsewhere, with a deadline."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], *, seconds: float = 15.0, what: str = "", pause: float = 0.02) -> None:
    """Polls until ``condition`` is truthy; fails the test after ``seconds``. ``pause``: seconds between two looks."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(pause)
