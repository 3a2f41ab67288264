"""Signals to requests: SIGTERM and Ctrl-C stop the loop after the reconcile under way, SIGHUP polls at once."""

import signal
from types import FrameType

from reconciler.loop import Loop


def stop_on_signals(loop: Loop) -> None:
    """Let the signals of this process drive ``loop``."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        loop.stop()

    def request(_signal: int, _frame: FrameType | None) -> None:
        loop.request()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, request)
