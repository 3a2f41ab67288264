"""One call in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(call: Callable[[], T], then: Callable[[], None]) -> "Future[T]":
    """Runs ``call`` at once, in a daemon thread: unlike that of an executor, one that hangs lets the process end.

    Args:
        call: what to run; what it raises is raised by the future's ``result``.
        then: called when it has ended, from that thread; must be quick and not raise.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)
        then()

    threading.Thread(target=run, name="background", daemon=True).start()
    return future
