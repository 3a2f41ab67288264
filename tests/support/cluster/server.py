"""A kube-apiserver and its etcd, as two processes on loopback."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.certificates import self_signed
from tests.support.cluster.calls import Calls, Refused
from tests.support.cluster.tools import tool
from tests.support.cluster.users import ADMIN, Address, User, token_file
from tests.support.ports import reserve_port

_READY_WITHIN_S = 60
_ENDS_WITHIN_S = 20
_ATTEMPTS = 3
# A socket in ``root``, where both run: nobody else's etcd can be there. It must look like host and port.
_ETCD = "unix://etcd:0"
# Who asked for what, when it was answered, and nothing of the server's own housekeeping.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "users": ["system:apiserver"]}, {"level": "Metadata"}],
}
# Where the test process is killed, the kernel takes its servers along.
_LEASH = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


class NotStarted(Exception):
    """A server ended, or did not get ready; the message has the end of its log."""


@dataclass(slots=True)
class Servers:
    """The two processes, their files, and a port that stays theirs over restarts.

    Attributes:
        root: where everything lies: etcd's data, keys, logs, the audit log.
        users: who has a static token.
        options: further flags of kube-apiserver.
    """

    root: Path
    users: tuple[User, ...]
    options: tuple[str, ...] = ()
    _etcd: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _apiserver: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _port: int = field(default=0, init=False)

    @property
    def address(self) -> Address:
        """Where the API server answers."""
        return Address(f"https://127.0.0.1:{self._port}", self.root / "apiserver.crt")

    @property
    def audit_log(self) -> Path:
        """Where the API server writes who asked for what."""
        return self.root / "audit.log"

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of those that run: of etcd, of the API server."""
        return tuple(process.pid for process in (self._etcd, self._apiserver) if process and process.poll() is None)

    def start(self) -> None:
        """Start both, and wait until the API server is ready; on another port, if its own is taken.

        Raises:
            NotStarted: it did not become ready.
        """
        if not self._port:
            self._make_files()
        for left in reversed(range(_ATTEMPTS)):
            if not self._port:
                self._port = reserve_port()
            try:
                self._start_etcd()
                self.start_apiserver()
            except NotStarted as failure:
                self.stop()
                if not left or "address already in use" not in str(failure):
                    raise
                self._port = 0
            else:
                return

    def stop(self) -> None:
        """End both, in order; what etcd holds stays."""
        self.stop_apiserver()
        _end(self._etcd, signal.SIGTERM)
        self._etcd = None

    def stop_apiserver(self) -> None:
        """End the API server alone, in order."""
        _end(self._apiserver, signal.SIGTERM)
        self._apiserver = None

    def kill_apiserver(self) -> None:
        """End the API server alone, at once: its connections break."""
        _end(self._apiserver, signal.SIGKILL)
        self._apiserver = None

    def freeze_apiserver(self) -> None:
        """Stop its clock: connections stay, and nothing answers until :meth:`thaw_apiserver`."""
        assert self._apiserver
        self._apiserver.send_signal(signal.SIGSTOP)

    def thaw_apiserver(self) -> None:
        """Let it go on."""
        assert self._apiserver
        self._apiserver.send_signal(signal.SIGCONT)

    def _make_files(self) -> None:
        both = self_signed(self.root, "apiserver", "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")
        assert both.is_file()
        subprocess.run(
            ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self.root / "accounts.key")],
            check=True,
            capture_output=True,
        )
        token_file(self.root, *self.users)
        (self.root / "audit.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))

    def _start_etcd(self) -> None:
        self._etcd = self._run(
            "etcd",
            f"--data-dir={self.root / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={_ETCD}",
            f"--advertise-client-urls={_ETCD}",
            "--listen-peer-urls=http://127.0.0.1:0",
        )
        _await(self._etcd, self._log("etcd"), (self.root / _ETCD.removeprefix("unix://")).is_socket)

    def start_apiserver(self) -> None:
        """Start the API server alone, on its port, and wait until it is ready.

        Raises:
            NotStarted: it did not become ready.
        """
        self._apiserver = self._run(
            "kube-apiserver",
            f"--etcd-servers={_ETCD}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--tls-cert-file={self.root / 'apiserver.crt'}",
            f"--tls-private-key-file={self.root / 'apiserver.key'}",
            f"--token-auth-file={self.root / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.root / 'accounts.key'}",
            f"--service-account-signing-key-file={self.root / 'accounts.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",  # no controller makes the accounts that it asks for
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={self.root / 'audit.yaml'}",
            f"--audit-log-path={self.audit_log}",
            *self.options,
        )
        admin = Calls(self.address, ADMIN)
        _await(self._apiserver, self._log("kube-apiserver"), lambda: _ready(admin))

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log(name).open("ab") as log:
            return subprocess.Popen(
                [*_LEASH, str(tool(name)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={},
                cwd=self.root,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop the servers
            )

    def _log(self, name: str) -> Path:
        return self.root / f"{name}.log"


def _await(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{log.name}: {log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def _ready(admin: Calls) -> bool:
    with suppress(OSError, Refused):
        return bool(admin.call("GET", "/readyz", seconds=1)["message"] == "ok")
    return False


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None:
        return
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)  # a frozen one hears nothing else than KILL
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
