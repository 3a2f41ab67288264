"""The demo checks itself: a commit is served by Envoy, and the access log and the journal name it."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.demo import ScratchRepository
from reconciler.loop import Loop
from reconciler.model.errors import Stalled
from reconciler.model.question import Query

_DEADLINE_S = 30.0
_POLL_S = 0.005

_MAPPING = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: demo-check
spec:
  hostname: "*"
  prefix: /demo-check/
  service: demo-check
"""


def check_demo(repository: ScratchRepository, envoy: EnvoyProcess, loop: Loop, port: int) -> str:
    """Commits a new Mapping, waits until Envoy serves it, and looks for the commit in both records.

    Returns:
        ``demo: ok commit=<sha> served_ms=<n>``: milliseconds from the commit to the first request served.

    Raises:
        Stalled: one of these did not happen in time.
    """
    runner = threading.Thread(target=loop.forever, name="loop")
    runner.start()
    try:
        base = f"http://127.0.0.1:{port}"
        _wait("Envoy to serve the sample routes", lambda: _status(f"{base}/httpbin/get") == 200)
        if _status(f"{base}/demo-check/x") == 200:
            raise Stalled("DemoFailed", "the new route is served before it is committed")
        (repository.directory / "routes" / "demo-check.yaml").write_text(_MAPPING)
        commit = repository.commit("Add a route for the check")
        committed_at = time.monotonic()
        _wait("Envoy to serve the commit", lambda: _status(f"{base}/demo-check/x") == 200)
        served_ms = round((time.monotonic() - committed_at) * 1000)
        _wait("the access log to name the commit", lambda: commit in _access_log(envoy))
        _wait("the journal to name the commit", lambda: _journal_names(loop, commit))
    finally:
        loop.stop()
        runner.join()
    return f"demo: ok commit={commit} served_ms={served_ms}"


def _journal_names(loop: Loop, commit: str) -> bool:
    return bool(loop.edges.journal.entries(Query(commit=commit, limit=1)))


def _access_log(envoy: EnvoyProcess) -> str:
    # Envoy writes its access log when a buffer is full or every ten seconds; asked, it does so at once.
    envoy.admin("/reopen_logs", method="POST")
    return envoy.access_log_path.read_text(errors="replace")


def _wait(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not happened():
        if time.monotonic() > deadline:
            raise Stalled("DemoFailed", f"waited {_DEADLINE_S:g} s for {what}")
        time.sleep(_POLL_S)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own Envoy's address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except OSError:
        return 0
