"""Real Git servers on the loopback: ``git http-backend`` behind a small HTTPS server, and sshd."""

import base64
import getpass
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_START_TIMEOUT_S = 20


@dataclass(slots=True)
class Behaviour:
    """What the HTTPS server does besides serving; tests change it while it runs.

    Attributes:
        login: ``user:password`` that is asked for, empty for none.
        status: answered to everything instead of serving, with ``location`` for a redirect.
        hang: requests are taken and never answered until this is cleared.
        asked: the path of each request so far.
    """

    login: str = ""
    status: int = 0
    location: str = ""
    hang: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HttpsServer:
    """A running server: ``url`` + ``/NAME`` is the repository ``root/NAME``."""

    url: str
    ca_file: Path
    behaviour: Behaviour


@contextmanager
def https_server(root: Path, scratch: Path, port: int = 0) -> Iterator[HttpsServer]:
    """Serve the repositories below ``root`` with a certificate made just now."""
    certificate = scratch / "server.pem"
    if not certificate.exists():
        make_certificate(certificate)
    behaviour = Behaviour()
    behaviour.hang.set()
    server = _TlsServer(("127.0.0.1", port), root, behaviour, certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield HttpsServer(f"https://127.0.0.1:{server.server_address[1]}", certificate, behaviour)
    finally:
        behaviour.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(path: Path) -> None:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = path.with_suffix(".key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(key.read_bytes() + path.read_bytes())


class _TlsServer(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], root: Path, behaviour: Behaviour, certificate: Path) -> None:
        super().__init__(address, _Backend)
        self.root = root
        self.behaviour = behaviour
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that refuse the certificate or are killed go away in the middle: that is what tests are about."""


class _Backend(BaseHTTPRequestHandler):
    """The CGI side of ``git http-backend`` (git-http-backend(1))."""

    protocol_version = "HTTP/1.0"
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden method
        """Quiet."""

    def _serve(self) -> None:
        server = self.server
        assert isinstance(server, _TlsServer)
        behaviour = server.behaviour
        behaviour.asked.append(self.path)
        behaviour.hang.wait()
        if behaviour.status:
            self._answer(behaviour.status, {"Location": behaviour.location} if behaviour.location else {})
            return
        expected = "Basic " + base64.b64encode(behaviour.login.encode()).decode()
        if behaviour.login and self.headers.get("Authorization") != expected:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
            return
        self._backend(server.root)

    def _backend(self, root: Path) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": unquote(url.path),
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=self._body(length), capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, headers, body)

    def _body(self, length: int) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(length)
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, slots=True)
class SshServer:
    """A running sshd: ``url`` + an absolute path is that repository."""

    url: str
    port: int
    key_file: Path
    known_hosts: Path
    scratch: Path


@contextmanager
def ssh_server(scratch: Path) -> Iterator[SshServer]:
    """An sshd of this user on the loopback that knows one deploy key, which may only fetch."""
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    assert sshd is not None, "sshd is not installed: `make setup` installs it (Debian: openssh-server)"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # a daemon started as root insists on it
    host_key, deploy_key = make_key(scratch / "host_key"), make_key(scratch / "deploy_key")
    public = deploy_key.with_suffix(".pub").read_text()
    fetch_only = (
        'command="case \\"$SSH_ORIGINAL_COMMAND\\" in git-upload-pack*) eval $SSH_ORIGINAL_COMMAND;; esac",restrict'
    )
    (scratch / "authorized_keys").write_text(f"{fetch_only} {public}")
    port = free_port()
    (scratch / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host_key}\nAuthorizedKeysFile {scratch / 'authorized_keys'}\n"
        f"PidFile {scratch / 'sshd.pid'}\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n"
    )
    known_hosts = scratch / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {host_key.with_suffix('.pub').read_text()}")
    with (scratch / "sshd.log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(scratch / "sshd_config")], stderr=log)
        try:
            _await_port(port, process, scratch / "sshd.log")
            url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
            yield SshServer(url, port, deploy_key, known_hosts, scratch)
        finally:
            process.terminate()
            process.wait()


def make_key(path: Path) -> Path:
    """A fresh ed25519 key without a passphrase, and ``.pub`` beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, f"sshd ended: {log.read_text()}"
        time.sleep(0.02)
    raise AssertionError(f"sshd does not listen: {log.read_text()}")
