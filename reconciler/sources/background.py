"""One call in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs ``call`` at once, in a daemon thread: a call that hangs must not keep the process from ending.

    Args:
        call: what to run; what it raises is raised by `result`.
        then: called when it has ended, from that thread; must be quick and not raise.
    """

    def __init__(self, call: Callable[[], T], then: Callable[[], None]) -> None:
        self._call = call
        self._then = then
        self._value: list[T] = []
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._ended.is_set()

    def result(self) -> T:
        """What it gave; to be asked when it is done. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value[0]

    def wait(self, seconds: float) -> None:
        """Until it ends, at most so long."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._value.append(self._call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._ended.set()
        self._then()
