"""A proxy in front of a real API server that does what networks, load balancers and busy servers do."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import self_signed, server_side
from tests.support.cluster.paths import Asked
from tests.support.cluster.relay import Fault, RelayServer, Stream, error_event
from tests.support.cluster.users import Address


class FaultyProxy:
    """HTTPS on loopback; every request goes on to the server, but for those that a test makes fail.

    A fault is for a ``verb`` and a ``resource`` as RBAC names them, each empty for any, and for the next ``times``
    requests of that kind; what was asked for first comes first. Open watches have methods of their own.
    """

    def __init__(self, upstream: Address, directory: Path, *, name: str = "") -> None:
        """It answers only within ``with proxy.serving():``.

        Args:
            upstream: the real server.
            directory: where its certificate is written.
            name: the only one in its certificate, e.g. ``cluster.example.test``. Clients reach it as 127.0.0.1, so they
                must be told this name. Without, its certificate is for 127.0.0.1.
        """
        certificate = self_signed(directory, "proxy", f"DNS:{name}" if name else "IP:127.0.0.1")
        trust = ssl.create_default_context(cafile=str(upstream.ca))
        self._server = RelayServer(upstream.url, trust, server_side(certificate), self._decide)
        self._address = Address(f"https://127.0.0.1:{self._server.server_address[1]}", certificate, name)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._waits: list[threading.Event] = []
        self._seen: list[Asked] = []

    @property
    def address(self) -> Address:
        """Where it answers, for a kubeconfig file; with the name of its certificate if that is another."""
        return self._address

    @property
    def seen(self) -> list[Asked]:
        """Every request so far, in order; those that failed, too."""
        with self._lock:
            return list(self._seen)

    @contextmanager
    def serving(self) -> Iterator["FaultyProxy"]:
        """Answer; at the end all connections are broken."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.heal()
            self._server.shutdown()
            thread.join()
            self._server.break_all()
            self._server.server_close()

    def refuse(
        self, status: int, verb: str = "", resource: str = "", *, times: int = 1, retry_after: int | None = None
    ) -> None:
        """Answer with an error: 500, 503, 403, or 429 with the seconds of its ``Retry-After``."""
        self._add(Fault(verb, resource, times, status, retry_after))

    def cut(self, verb: str = "", resource: str = "", *, times: int = 1) -> None:
        """Break the connection instead of answering."""
        self._add(Fault(verb, resource, times))

    def hang(self, verb: str = "", resource: str = "", *, times: int = 1) -> threading.Event:
        """Take requests and say nothing until the event that this returns is set; then they go on to the server."""
        until = threading.Event()
        self._waits.append(until)
        self._add(Fault(verb, resource, times, until=until))
        return until

    def expire(self, resource: str = "", *, times: int = 1) -> None:
        """Begin watches, but tell them at once that their ``resourceVersion`` is too old (410), and end them."""
        self._add(Fault("watch", resource, times, 410, event=True))

    def expire_watches(self, resource: str = "") -> int:
        """Tell open watches that their ``resourceVersion`` is too old, and end them; returns how many there were."""
        return self._each(resource, lambda stream: stream.end(error_event(410)))

    def cut_watches(self, resource: str = "") -> int:
        """Break the connections of open watches; returns how many there were."""
        return self._each(resource, Stream.end)

    def mute_watches(self, resource: str = "") -> int:
        """Keep open watches open but let nothing through, as a lost route does; returns how many there were."""
        return self._each(resource, lambda stream: setattr(stream, "muted", True))

    def open_watches(self, resource: str = "") -> int:
        """How many watches are open."""
        return self._each(resource, lambda _: None)

    def heal(self) -> None:
        """No more faults; what hangs goes on. Open watches stay as they are."""
        with self._lock:
            self._faults.clear()
        for wait in self._waits:
            wait.set()

    def count(self, verb: str = "", resource: str = "") -> int:
        """How many requests of a kind were seen since the last :meth:`forget`."""
        return sum(verb in {"", asked.what.verb} and resource in {"", asked.what.resource} for asked in self.seen)

    def forget(self) -> None:
        """Forget what was seen."""
        with self._lock:
            self._seen.clear()

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def _decide(self, request: Asked) -> Fault | None:
        with self._lock:
            self._seen.append(request)
            return next((fault for fault in self._faults if fault.takes(request)), None)

    def _each(self, resource: str, do: Callable[[Stream], None]) -> int:
        streams = [each for each in tuple(self._server.streams) if resource in {"", each.request.what.resource}]
        for stream in streams:
            do(stream)
        return len(streams)
