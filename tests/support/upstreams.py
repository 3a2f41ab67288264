"""Small real HTTP servers that say what reached them."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: 40 ms apart otherwise
    upstream: "Upstream"

    def _answer(self) -> None:
        path = self.requestline.split()[1]  # self.path merges leading slashes
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen: dict[str, object] = {
            "upstream": self.upstream.name,
            "method": self.command,
            "path": path,
            "host": self.headers.get("host", ""),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode(),
        }
        self.upstream.seen.append(seen)
        if path.startswith("/slow"):
            self.upstream.released.wait(30)
        answer = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def handle(self) -> None:
        """Serve; an Envoy that is stopped resets its connections."""
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True


class Upstream:
    """An echo server on a free loopback port while entered; answers every request with JSON of what it saw.

    ``/slow…`` is answered only once it is left.
    """

    def __init__(self, name: str, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> None:
        self.name = name
        self.host = host
        self.seen: list[dict[str, object]] = []
        self.released = threading.Event()
        self._server = ThreadingHTTPServer((host, 0), type("Echo", (_Echo,), {"upstream": self}))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """``127.0.0.1:port``, or on another address of this machine."""
        return f"{self.host}:{self.port}"

    def __enter__(self) -> "Upstream":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
