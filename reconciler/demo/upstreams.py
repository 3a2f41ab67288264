"""Small HTTP servers that stand for the services named in the Mappings where there is no cluster."""

import json
import threading
from collections.abc import Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class _Echo(BaseHTTPRequestHandler):
    """Answers every request with what arrived, and for whom."""

    protocol_version = "HTTP/1.1"
    service = ""

    def handle_one_request(self) -> None:
        """Serve one request of the connection; one that breaks off is nobody's trouble."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = {"service": self.service, "method": self.command, "path": self.path, "host": self.headers.get("host")}
        body = (json.dumps(seen) + "\n").encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: Envoy's access log tells more."""


class SampleUpstreams:
    """One echo server per service, on free loopback ports, until closed.

    Args:
        services: service names as the Mappings write them; ``*`` stands for all others.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._servers: dict[str, ThreadingHTTPServer] = {}
        for service in services:
            name = "any other service" if service == "*" else service
            handler = type("Echo", (_Echo,), {"service": name})
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            server.daemon_threads = True
            self._servers[service] = server
            # Polls often, so that stopping eight of them takes no time that anybody notices.
            serve = partial(server.serve_forever, poll_interval=0.05)
            threading.Thread(target=serve, name=f"upstream {service}", daemon=True).start()

    @property
    def addresses(self) -> tuple[str, ...]:
        """``SERVICE=HOST:PORT`` of each, as the setting ``service_address`` takes them."""
        return tuple(f"{name}=127.0.0.1:{server.server_address[1]}" for name, server in self._servers.items())

    def close(self) -> None:
        """Stop them all."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def __enter__(self) -> "SampleUpstreams":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
