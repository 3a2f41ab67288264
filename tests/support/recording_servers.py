"""What small servers that note what they are told have in common: HTTP on a thread per connection, and gRPC."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from reconciler.model.digest import Json

_LONGEST_S = 30.0


@dataclass(slots=True)
class Recorder:
    """What a server was told.

    Attributes:
        seen: a JSON value for each thing.
        ended: set when the server stops; what is to be slow waits for it.
    """

    address: str = ""
    seen: list[Json] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def linger(self) -> None:
        """Answer nothing until the server ends."""
        self.ended.wait(_LONGEST_S)


@dataclass(frozen=True, slots=True)
class Heard:
    """A request: names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@contextmanager
def http_server(answer: Callable[[Recorder, Heard], Reply]) -> Iterator[Recorder]:
    """An HTTP/1.1 server on loopback."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, self.requestline.split()[1], headers, self._body(headers))
            reply = answer(recorder, heard)
            if recorder.ended.is_set():
                self.close_connection = True
                return  # whoever asked has gone
            self.send_response(reply.status)
            for name, value in (*reply.headers, ("content-length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        recorder.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield recorder
        finally:
            recorder.ended.set()
            server.shutdown()


@contextmanager
def grpc_server(add: Callable[[Recorder, grpc.Server], None]) -> Iterator[Recorder]:
    """A gRPC server on loopback; ``add`` registers its services."""
    recorder = Recorder()
    server = grpc.server(ThreadPoolExecutor(max_workers=32))
    add(recorder, server)
    recorder.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield recorder
    finally:
        recorder.ended.set()
        server.stop(None).wait()


def as_json(message: Message) -> dict[str, Json]:
    """A message with the names its definition has."""
    value: dict[str, Json] = MessageToDict(message, preserving_proto_field_name=True)
    return value
