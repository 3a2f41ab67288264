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


def fresh(text: str, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The result of a call in a process of its own, which no earlier measurement has warmed up or filled."""
    say(text)
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        return pool.submit(call, *args, **kwargs).result()


def _prepare() -> None:
    """As the command prepares itself; and nothing goes on when the benchmark is ended from outside, see prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    look_seldom()
