"""EDGE: asks many Envoys at once, and is back in time whatever they do: silent, slow, or without end."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

_LARGEST = 8 << 20  # bytes of one answer
_MOST = 256  # Envoys behind one name
_AT_ONCE = 64  # threads


@dataclass(slots=True)
class Deadline:
    """The moment until which all of it may last; who still waits for an answer then is cut off.

    Attributes:
        at: by the clock that never goes back, in seconds.
    """

    at: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[HTTPConnection] = field(default_factory=set)
    _over: bool = False

    @property
    def left_s(self) -> float:
        """Seconds until then."""
        return max(0.0, self.at - time.monotonic())

    def get(self, node: str, path: str) -> bytes:
        """What ``host:port`` answers.

        Raises:
            OSError, HTTPException, ValueError: nothing that can be used, or not in time.
        """
        host, _, port = node.rpartition(":")
        left = self.left_s
        if not left:
            raise TimeoutError("no time left")
        with closing(HTTPConnection(host.strip("[]"), int(port), timeout=left)) as connection:
            connection.connect()
            self._note(connection)
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                answer = response.read(_LARGEST + 1)
            finally:
                with self._lock:
                    self._open.discard(connection)
        if response.status != 200 or len(answer) > _LARGEST:  # noqa: PLR2004 - HTTP
            raise ValueError(f"status {response.status}, {len(answer)} bytes")
        return answer

    def end(self) -> None:
        """Cut off who is still at it: one that sends a byte now and then would never be done."""
        with self._lock:
            self._over = True
            for connection in self._open:
                with suppress(OSError, AttributeError):  # it ends in this moment
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _note(self, connection: HTTPConnection) -> None:
        with self._lock:
            if self._over:
                raise TimeoutError("no time left")
            self._open.add(connection)


class Errands(Generic[T]):
    """Things to do at once, each in a thread, with a bound on how many; those that do not end in time are left.

    Threads of our own, since those of a pool keep the process from ending while one waits for a name server.

    Args:
        errands: what to do, by the name of each; what can't be done raises OSError, HTTPException, ValueError or
            TypeError.
    """

    def __init__(self, errands: Iterable[tuple[str, Callable[[], T]]]) -> None:
        self._waiting: SimpleQueue[tuple[str, Callable[[], T]]] = SimpleQueue()
        self._done: SimpleQueue[tuple[str, T | None]] = SimpleQueue()
        self._names: list[str] = []
        self._begun: list[str] = []
        for name, errand in errands:
            self._names.append(name)
            self._waiting.put((name, errand))

    @property
    def begun(self) -> frozenset[str]:
        """Those there was time to begin."""
        return frozenset(self._begun)

    def results(self, deadline: Deadline) -> dict[str, T | None]:
        """What came of each, by name; None of what failed, or is not done in time."""
        for _ in range(min(_AT_ONCE, len(self._names))):
            threading.Thread(target=self._work, args=(deadline,), name="ask-envoys", daemon=True).start()
        found: dict[str, T | None] = dict.fromkeys(self._names)
        with suppress(Empty):
            for _ in range(len(self._names)):
                name, result = self._done.get(timeout=deadline.left_s)
                found[name] = result
        return found

    def _work(self, deadline: Deadline) -> None:
        with suppress(Empty):
            while deadline.left_s:
                name, errand = self._waiting.get_nowait()
                self._begun.append(name)
                try:
                    self._done.put((name, errand()))
                except (OSError, HTTPException, ValueError, TypeError):
                    self._done.put((name, None))


def resolved(addresses: Iterable[str], deadline: Deadline) -> list[str]:
    """Every address behind names; the name itself where there is none, or it is not known in time."""
    given = list(dict.fromkeys(addresses))
    found = Errands([(address, partial(_behind, address)) for address in given]).results(deadline)
    return list(dict.fromkeys(node for address in given for node in found[address] or [address]))


def _behind(address: str) -> list[str]:
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    hosts = sorted({str(place[4][0]) for place in found})[:_MOST]
    return [f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in hosts]
