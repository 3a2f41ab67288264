"""Something at the address of an API server that answers what a test tells it to, over plain HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from reconciler.cluster import ClusterSettings


@dataclass(frozen=True, slots=True)
class Said:
    """One answer.

    Attributes:
        body: sent as it is; a watch reads its lines.
        status: of HTTP.
        location: where it sends the client to.
    """

    body: bytes
    status: int = 200
    location: str = ""


@dataclass(slots=True)
class ScriptedApi:
    """Answers in order, the last one again and again.

    Attributes:
        answers: to come.
        asked: the query of each request, and its `Authorization` header.
        port: where it listens.
    """

    answers: list[Said]
    port: int = 0
    asked: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def settings(self, directory: Path, **more: object) -> ClusterSettings:
        """How to connect to it."""
        document = {
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me"}}],
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "me", "user": {"token": "topsecret"}}],
        }
        file = directory / "scripted"
        file.write_text(json.dumps(document))
        return ClusterSettings(kubeconfig=file, **more)  # type: ignore[arg-type]


def page(*names: str, version: str = "1", more: str = "") -> Said:
    """A page of a list of objects."""
    items = [{"metadata": {"namespace": "a", "name": name, "resourceVersion": version}} for name in names]
    return Said(json.dumps({"metadata": {"resourceVersion": version, "continue": more}, "items": items}).encode())


def event(kind: str, name: str = "", version: str = "2", /, **more: object) -> bytes:
    """One line of a watch."""
    metadata = {"namespace": "a", "name": name, "resourceVersion": version}
    return json.dumps({"type": kind, "object": {"metadata": metadata, **more}}).encode() + b"\n"


@contextmanager
def scripted(*answers: Said) -> Iterator[ScriptedApi]:
    """Listens for as long as the block lasts."""
    script = ScriptedApi(list(answers))

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            script.asked.append((query, self.headers.get("Authorization", "")))
            said = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(said.status)
            if said.location:
                self.send_header("Location", said.location)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
            pass

    class Serving(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that left in the middle is none of our errors."""

    server = Serving(("127.0.0.1", 0), Answering)
    script.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
