"""The connections of :class:`tests.support.cluster.proxy.FaultyProxy`: requests in and on, watches line by line."""

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.support.cluster.calls import lines
from tests.support.cluster.paths import Asked, asked

_REASONS = {403: "Forbidden", 409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}
_SILENT_AT_MOST_S = 60
_OF_ONE_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}
_BROKEN = (OSError, HTTPException, ValueError)  # what using a connection raises that somebody has just ended


@dataclass(slots=True)
class Fault:
    """What happens to requests of a kind, and how often.

    Attributes:
        verb: of those it happens to; empty for all.
        resource: of those, e.g. ``configmaps``; empty for all.
        times: to how many more it happens.
        status: what is answered; 0 breaks the connection.
        retry_after: seconds that the client is told to wait; None tells nothing.
        event: whether the status comes as the ``ERROR`` event of a watch that has begun.
        until: what a request waits for before it goes on to the server, as if that were slow.
    """

    verb: str
    resource: str
    times: int
    status: int = 0
    retry_after: int | None = None
    event: bool = False
    until: threading.Event | None = None

    def takes(self, request: Asked) -> bool:
        """Whether it happens to a request; if so, that counts."""
        meant = self.verb in {"", request.what.verb} and self.resource in {"", request.what.resource}
        if not meant or not self.times:
            return False
        self.times -= 1
        return True


@dataclass(eq=False, slots=True)
class Stream:
    """A watch that is open through the proxy."""

    request: Asked
    client: "RelayConnection"
    upstream: socket.socket
    muted: bool = False
    _over: bool = False
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def send(self, line: bytes) -> None:
        """Pass an event on."""
        with self._writing:
            if not (self.muted or self._over):
                self.client.wfile.write(_chunk(line))
                self.client.wfile.flush()

    def end(self, last: bytes = b"") -> None:
        """End it in order after a ``last`` event; without one, break the connection."""
        with self._writing, suppress(*_BROKEN):
            if not self._over:
                self._over = True
                if last:
                    self.client.wfile.write(_chunk(last) + _chunk(b""))
                    self.client.wfile.flush()
                else:
                    shut(self.client.connection)
        shut(self.upstream)


class RelayServer(ThreadingHTTPServer):
    """Takes connections over TLS, a thread for each."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, upstream: str, trust: ssl.SSLContext, shown: ssl.SSLContext, decide: Callable[[Asked], Fault | None]
    ) -> None:
        """It listens, but answers only in ``serve_forever``.

        Args:
            upstream: where requests go on to, ``https://...``.
            trust: whom to take for the server there.
            shown: with the certificate that clients see.
            decide: told each request; says what happens to it, None that it goes on.
        """
        super().__init__(("127.0.0.1", 0), RelayConnection)
        self.upstream, self.trust, self.decide = urlsplit(upstream), trust, decide
        self.streams: set[Stream] = set()
        self._shown = shown
        self._open: set[ssl.SSLSocket] = set()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection, from its TLS handshake to its end."""
        with self._shown.wrap_socket(request, server_side=True) as connection:
            self._open.add(connection)
            try:
                RelayConnection(connection, client_address, self)
            finally:
                self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left, or does not trust the certificate, is none of our errors."""
        if not isinstance(sys.exception(), _BROKEN):
            super().handle_error(request, client_address)

    def break_all(self) -> None:
        """Break all connections."""
        for stream in tuple(self.streams):
            stream.end()
        for connection in tuple(self._open):
            shut(connection)


class RelayConnection(BaseHTTPRequestHandler):
    """One connection of a client: request after request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer leave together
    server: RelayServer

    def relay(self) -> None:
        """Serve one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = asked(self.command, self.path)
        fault = self.server.decide(request)
        if fault and fault.until:
            fault.until.wait(_SILENT_AT_MOST_S)
            fault = None
        try:
            if fault:
                self._fail(fault)
            else:
                self._pass_on(request, body)
            self.wfile.flush()
        except _BROKEN:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = relay  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on the screen."""

    def _fail(self, fault: Fault) -> None:
        if fault.event:
            self._head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
            self.wfile.write(_chunk(error_event(fault.status)) + _chunk(b""))
        elif fault.status:
            headers = [] if fault.retry_after is None else [("Retry-After", str(fault.retry_after))]
            self._answer(fault.status, [("Content-Type", "application/json"), *headers], _status(fault.status))
        else:
            shut(self.connection)
            self.close_connection = True

    def _pass_on(self, request: Asked, body: bytes) -> None:
        there = self.server.upstream
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_HOP}
        with closing(HTTPSConnection(there.hostname or "", there.port, context=self.server.trust)) as upstream:
            try:
                upstream.request(self.command, self.path, body or None, headers)
                response = upstream.getresponse()
            except _BROKEN:
                # What load balancers say, and in their words, when nobody is behind them.
                self._answer(502, [("Content-Type", "text/html")], b"<html><h1>502 Bad Gateway</h1></html>\n")
                return
            passed = [(name, value) for name, value in response.getheaders() if name.lower() not in _OF_ONE_HOP]
            if request.what.verb == "watch" and response.status == 200 and upstream.sock:
                self._head(200, [*passed, ("Transfer-Encoding", "chunked")])
                self._stream(Stream(request, self, upstream.sock), response)
            else:
                self._answer(response.status, passed, response.read())

    def _stream(self, stream: Stream, response: HTTPResponse) -> None:
        self.server.streams.add(stream)
        try:
            self.wfile.flush()
            for line in lines(response):
                stream.send(line)
            stream.send(b"")
        except _BROKEN:
            stream.end()  # where the server breaks off, the client sees just that
        finally:
            self.server.streams.discard(stream)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._head(status, [*headers, ("Content-Length", str(len(body)))])
        self.wfile.write(body)

    def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()


def error_event(status: int) -> bytes:
    """The line that tells a watch of an error."""
    return b'{"type": "ERROR", "object": %s}\n' % _status(status)


def shut(connection: socket.socket) -> None:
    """Break a connection under whoever uses it; TLS is not told, so that a thread that reads finds the end."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _status(code: int) -> bytes:
    reason = _REASONS.get(code, "")
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return json.dumps(status | {"reason": reason, "message": f"the proxy of the test says {code} {reason}"}).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
