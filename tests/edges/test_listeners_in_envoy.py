"""Ports of all kinds over xDS and from files: a real Envoy takes every route configuration, and changes in place."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import files_bootstrap, xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from tests.support.certificates import self_signed
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.envoys import envoy_path
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.waiting import eventually

_HEAD = "apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def document(kind: str, name: str, spec: str) -> str:
    """A document with its fields on one line."""
    return _HEAD.format(kind=kind, name=name, spec=spec)


def host(name: str, certificates: Path) -> str:
    """A Host that ends TLS with a certificate of its own."""
    self_signed(certificates, name, f"DNS:{name}.test")
    files = f"cert_chain_file: {certificates}/{name}.crt, private_key_file: {certificates}/{name}.key"
    context = document("TLSContext", name, f"{{{files}}}")
    return context + "---\n" + document("Host", name, f"{{hostname: {name}.test, tlsContext: {{name: {name}}}}}")


class _Greeting(StreamRequestHandler):
    """Says hello to whoever says something."""

    def handle(self) -> None:
        self.wfile.write(b"hello " + self.rfile.readline())


@contextmanager
def greeting() -> Iterator[str]:
    """``host:port`` of a TCP server."""
    with ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def envoy_of(loop: Loop, target: str, directory: Path) -> Iterator[EnvoyProcess]:
    """A real Envoy fed by the controller's only target."""
    (only,) = loop.edges.targets
    if isinstance(only, XdsTarget):
        bootstrap = xds_bootstrap(f"127.0.0.1:{only.port}")
    else:
        bootstrap = files_bootstrap(Path(target.removeprefix("files:")))
        reconcile(loop, Decision.APPLIED)  # the files must be there
    envoy = EnvoyProcess(envoy_path(), bootstrap, directory / "envoy")
    try:
        envoy.start(wait=False)
        if isinstance(only, XdsTarget):
            eventually(lambda: bool(only.nodes()), what="Envoy to connect")
            reconcile(loop, Decision.APPLIED)
        yield envoy
    finally:
        envoy.stop()


def over_tls(port: int, name: str, path: str = "/") -> bytes:
    """What comes back to a GET over TLS; nothing when the connection fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            secured.sendall(f"GET {path} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: secured.recv(4096), b""))
    except OSError:
        return b""


def greeted(port: int) -> bytes:
    """What comes back to a line."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain:
            plain.sendall(b"you\n")
            return plain.makefile("rb").readline()
    except OSError:
        return b""


@pytest.mark.parametrize("kind", ["xds", "files"])
def test_ports_come_and_go(kind: str, tmp_path: Path) -> None:
    """HTTPS by name with its HTTP/3 port, and TCP: a new host joins the others, what leaves is gone."""
    https, tcp = reserve_port(), reserve_port()
    target = "xds" if kind == "xds" else f"files:{tmp_path / 'files'}"
    repository = Repository.create(tmp_path / "repository")
    bound = "securityModel: XFP, hostBinding: {namespace: {from: ALL}}"
    with (
        greeting() as upstream,
        on_repository(repository.path, tmp_path / "state", target, service_address=(f"*={upstream}",)) as loop,
    ):
        ports = document("Listener", "tcp", f"{{port: {https}, protocol: HTTPS, {bound}}}")
        ports += "---\n" + document("Listener", "udp", f"{{port: {https}, protocolStack: [TLS, HTTP, UDP], {bound}}}")
        redirect = mapping("all", "/", host_redirect="true", service="elsewhere.test")
        repository.commit({
            "ports.yaml": ports,
            "a.yaml": host("a", tmp_path),
            "all.yaml": redirect,
            "db.yaml": document("TCPMapping", "db", f"{{port: {tcp}, service: db}}"),
        })  # fmt: skip
        with envoy_of(loop, target, tmp_path):
            eventually(lambda: b" 301 " in over_tls(https, "a.test"), what="the first host")
            eventually(lambda: greeted(tcp) == b"hello you\n", what="the TCP port")
            assert over_tls(https, "b.test") == b""

            repository.commit({"b.yaml": host("b", tmp_path)})
            reconcile(loop, Decision.APPLIED)
            eventually(lambda: b" 301 " in over_tls(https, "b.test"), what="the second host")
            assert b" 301 " in over_tls(https, "a.test")

            repository.commit({"a.yaml": None, "db.yaml": None})
            reconcile(loop, Decision.APPLIED)
            eventually(lambda: over_tls(https, "a.test") == b"" and greeted(tcp) == b"", what="what is gone to go")
            assert b" 301 " in over_tls(https, "b.test")
