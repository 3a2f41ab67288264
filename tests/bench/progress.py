"""What the benchmark says while it runs, on standard error."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from reconciler.cli.collector import look_seldom

P = ParamSpec("P")
R = TypeVar("R")

_PR_SET_PDEATHSIG = 1
# The processes of one run inherit it, and tell the same time.
_BEGAN = float(os.environ.setdefault("BENCH_BEGAN", str(time.monotonic())))


def say(text: str) -> None:
    """One line, with the time since the start."""
    print(f"[{time.monotonic() - _BEGAN:6.1f} s] {text}", file=sys.stderr, flush=True)


class Progress:
    """Says what begins, and how long all that is left will take if it goes on as it went.

    Args:
        expected_s: what everything takes a quiet machine, in seconds.
    """

    def __init__(self, expected_s: float) -> None:
        self._expected_s, self._done_s = expected_s, 0.0
        self._began = time.monotonic()

    def begin(self, text: str, expected_s: float) -> None:
        """The next step begins."""
        took, left = time.monotonic() - self._began, self._expected_s - self._done_s
        pace = took / self._done_s if self._done_s else 1.0
        say(f"{text}; about {max(0.0, left * pace) / 60:.1f} minutes left")
        self._done_s += expected_s


def fresh(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of a call in a process of its own, which no earlier measurement has warmed up or filled.

    It is split off a process that has imported everything, and done nothing.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.bench.suite"])
    with ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_prepare) as pool:
        return pool.submit(call, *args, **kwargs).result()


def _prepare() -> None:
    """As the command prepares itself; and nothing goes on when the benchmark is ended from outside, see prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    look_seldom()
