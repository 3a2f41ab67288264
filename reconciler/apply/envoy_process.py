"""A real Envoy as our child: the demo's, and the tests'."""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from reconciler.apply.child import end_group, launched, spawn
from reconciler.apply.envoy_words import reason
from reconciler.model.errors import Stalled, Transient

# Without hot restart several Envoys share a machine: no shared memory region, no base id.
COMMON_OPTIONS = ("--disable-hot-restart", "--concurrency", "1")

_FLUSH_MS = "100"  # Envoy's 10 s is long for somebody who watches the access log
_POLL_S = 0.02
_OK = 200


class EnvoyProcess:
    """A running Envoy that never outlives this process.

    Use it as a context manager: entered, it is ready to serve; left, it is gone. It writes ``bootstrap.json``,
    ``envoy.log`` (its own log) and ``access.log`` (what it prints to ``/dev/stdout``) to ``directory``; both logs
    grow over restarts.

    Args:
        binary: from `find_envoy`.
        bootstrap: JSON; must configure the admin interface, on port 0 for a free one.
        directory: private to this Envoy; created if missing.
        ready_timeout_s: seconds until it must be ready.
        grace_s: seconds it has to end by itself.
        options: further command-line options.
    """

    def __init__(
        self,
        binary: Path,
        bootstrap: bytes,
        directory: Path,
        *,
        ready_timeout_s: float = 30.0,
        grace_s: float = 5.0,
        options: Sequence[str] = (),
    ) -> None:
        self._binary = binary
        self._bootstrap = bootstrap
        self._directory = directory
        self._ready_timeout_s = ready_timeout_s
        self._grace_s = grace_s
        self._options = tuple(options)
        self._child: subprocess.Popen[bytes] | None = None
        self.log_path = directory / "envoy.log"
        self.access_log_path = directory / "access.log"

    def __enter__(self) -> "EnvoyProcess":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the real Envoy."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    @property
    def admin_address(self) -> tuple[str, int]:
        """Host and port of the admin interface, as bound."""
        host, _, port = self._address_file.read_text().strip().rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def _address_file(self) -> Path:
        return self._directory / "admin.address"

    def start(self, *, wait: bool = True) -> None:
        """Starts it.

        Args:
            wait: return when it is ready; otherwise when its admin interface answers, which an Envoy that waits
                for its control plane does before it is ready.

        Raises:
            Stalled: Envoy refuses the configuration, or the binary can't be run.
            Transient: it is not ready in time.
        """
        if self.alive:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / "bootstrap.json"
        path.write_bytes(self._bootstrap)
        self._address_file.unlink(missing_ok=True)
        files = ("-c", str(path), "--admin-address-path", str(self._address_file))
        options = (*files, *COMMON_OPTIONS, "--file-flush-interval-msec", _FLUSH_MS, *self._options)
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._child = self._keep((str(self._binary.absolute()), *options))
        try:
            self._wait(offset, "/ready" if wait else "/server_info")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it: SIGTERM, after the grace SIGKILL. Nothing is left running."""
        if self._child is None:
            return
        end_group(self._child, self._grace_s)
        self._child = None

    def restart(self, *, wait: bool = True) -> None:
        """Stops it and starts it anew with the same configuration; ports given as 0 change."""
        self.stop()
        self.start(wait=wait)

    def admin(self, path: str, *, method: str = "GET") -> str:
        """What the admin interface answers, e.g. to ``/stats``.

        Raises:
            Transient: it does not answer, or not with 200.
        """
        status, body = self._ask(method, path)
        if status != _OK:
            raise Transient("EnvoyNotReady", f"Envoy's admin interface answers {method} {path} with status {status}")
        return body

    def listener_port(self, name: str) -> int:
        """The port a listener is bound to.

        Raises:
            Transient: there is no such listener.
        """
        for status in json.loads(self.admin("/listeners?format=json")).get("listener_statuses", []):
            if status["name"] == name:
                return int(status["local_address"]["socket_address"]["port_value"])
        raise Transient("EnvoyNotReady", f"Envoy has no listener {name}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise Transient("EnvoyNotReady", "Envoy is not running")
        return self._child

    def _keep(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        """Starts ``command`` from a thread that lives as long as it.

        The kernel sends the parent-death signal when the *thread* that made the child ends.
        """
        born: Future[subprocess.Popen[bytes]] = Future()

        def run() -> None:
            try:
                with self.access_log_path.open("ab") as access, self.log_path.open("ab") as log:
                    child = spawn(launched(command), stdout=access.fileno(), stderr=log.fileno())
            except (Stalled, OSError) as error:
                born.set_exception(error)
                return
            born.set_result(child)
            child.wait()

        threading.Thread(target=run, name="envoy", daemon=True).start()
        return born.result()

    def _wait(self, offset: int, path: str) -> None:
        child = self._running()
        deadline = time.monotonic() + self._ready_timeout_s
        while time.monotonic() < deadline:
            if child.poll() is not None:
                with self.log_path.open("rb") as log:
                    log.seek(offset)
                    words = reason(log.read().decode(errors="replace"))
                raise Stalled("EnvoyDidNotStart", f"Envoy did not start: {words or 'no words'}", f"see {self.log_path}")
            if self._answers(path):
                return
            time.sleep(_POLL_S)
        raise Transient("EnvoyNotReady", f"Envoy was not ready after {self._ready_timeout_s:g} s: see {self.log_path}")

    def _answers(self, path: str) -> bool:
        try:
            return self._ask("GET", path)[0] == _OK
        except Transient:
            return False

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        try:
            connection = HTTPConnection(*self.admin_address, timeout=self._ready_timeout_s)
            try:
                connection.request(method, path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:  # ValueError: the address is half written
            raise Transient("EnvoyNotReady", f"Envoy's admin interface does not answer {method} {path}") from error
