"""A watch that is under way: events as they come, ended by either side."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.cluster.depth import decoded
from reconciler.cluster.failures import Answer, Asked, Expired, bounded, error_of
from reconciler.cluster.lines import LineCutter, LineTooLong
from reconciler.cluster.session import Request, Session
from reconciler.model.digest import Json

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

_TYPES = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event of a watch: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``."""

    type: str
    object: dict[str, Json]


class Watch(Iterator[WatchEvent]):
    """The events of one watch request. One thread iterates; any may close.

    Args:
        session: where it is asked.
        request: the watch.
        asked: the same, for errors.
        seconds: longest time until it begins.
        silence_s: longest time without a byte after that.
        line_bytes: longest event.

    Raises:
        Refusal, Transient, Stalled: it did not begin.
    """

    def __init__(
        self, session: Session, request: Request, asked: Asked, seconds: float, silence_s: float, line_bytes: int
    ) -> None:
        self._asked = asked
        self._lock = threading.Lock()  # for the two that say who may let go of the connection
        self._reading = self._closed = False
        self._whole: deque[bytes] = deque()  # read one at a time: what comes before a bad one counts
        self._lines = LineCutter(line_bytes)
        self._stack = ExitStack()
        self._response: HTTPResponse = self._stack.enter_context(session.answer(request, seconds, silence_s))
        self._pieces = session.pieces(self._response)

    def __next__(self) -> WatchEvent:
        """The next event; waits for it.

        Raises:
            Expired: the server can't go on from here, or said what can't be read: list again.
            Transient: the connection broke or was silent for too long: go on from the last version.
        """
        with self._lock:
            if self._closed:
                raise StopIteration
            self._reading = True
        over = True
        try:
            event = self._next()
            over = False
        finally:
            with self._lock:
                self._reading = False
                self._closed |= over
                over = self._closed
            if over:
                self._stack.close()
        return event

    def close(self) -> None:
        """End it, also while another thread waits for the next event."""
        with self._lock:
            self._closed, reading = True, self._reading
        if not reading:
            self._stack.close()
            return
        with suppress(ValueError, RuntimeError, OSError):
            self._response.shutdown()

    def _next(self) -> WatchEvent:
        while not self._whole:
            if not self._read():
                raise StopIteration
        return _event(self._whole.popleft(), self._asked)

    def _read(self) -> bool:
        """Whether more came."""
        try:
            piece = next(self._pieces, b"")
            self._whole.extend(self._lines.feed(piece))
        except LineTooLong:
            raise Expired(
                "ClusterAnswerTooLarge", f"{self._asked}: an event is larger than any object may be"
            ) from None
        except Exception as error:
            if self._closed:
                return False
            if not self._stack.__exit__(type(error), error, error.__traceback__):  # maps what the libraries raise
                raise
        return bool(piece)


def _event(line: bytes, asked: Asked) -> WatchEvent:
    try:
        value: Any = decoded(line)
        kind, body = value["type"], value["object"]
        metadata = body.get("metadata")
    except (ValueError, TypeError, KeyError, AttributeError):
        shown = bounded(line[:60].decode(errors="replace"))
        raise Expired("ClusterAnswerUnreadable", f"{asked}: not an event: {shown!r}") from None
    if kind in _TYPES and isinstance(metadata, dict):
        return WatchEvent(kind, body)
    if kind == "ERROR":
        code = body.get("code")
        raise _expired(asked, Answer(code if isinstance(code, int) else 500, body))
    raise Expired("ClusterAnswerUnreadable", f"{asked}: an event of no known type: {bounded(str(kind)[:60])!r}")


def _expired(asked: Asked, answer: Answer) -> Expired:
    """Whatever ends a watch with an error: a list is always a sound new beginning."""
    error = error_of(asked, answer)
    return error if isinstance(error, Expired) else Expired(error.reason, error.message, error.hint)
