"""Finding, asking and running a real Envoy."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import MAX_REASON, EnvoyProcess, find_envoy, validate
from reconciler.model.errors import Stalled, Transient
from tests.support.waiting import eventually

ROUTER = {
    "name": "router",
    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
}


def bootstrap(routes: list[dict[str, object]], **rest: object) -> bytes:
    """A configuration with one listener and one cluster ``c``."""
    manager = {
        "@type": (
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
        ),
        "stat_prefix": "x",
        "http_filters": [ROUTER],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    listener = {
        "name": "l",
        "address": address,
        "filter_chains": [{"filters": [{"name": "m", "typed_config": manager}]}],
    }
    static = {"clusters": [{"name": "c"}], "listeners": [listener]}
    return json.dumps({"admin": {"address": address}, "static_resources": static} | rest).encode()


GOOD = bootstrap([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])


@pytest.fixture(scope="module")
def binary() -> Path:
    """The Envoy beside this Python: installed with the tests."""
    found = find_envoy("auto")
    assert found
    return found


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def gone(pid: int) -> bool:
    """Whether a process has ended (or only waits to be reaped by whoever adopted it)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status


def test_find_beside_python() -> None:
    """``auto`` finds what is installed beside this Python."""
    assert find_envoy("auto") == Path(sys.executable).with_name("envoy")


def test_find_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``auto`` goes on to PATH, and is None where there is none at all; ``always`` must find one."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_envoy("auto") is None
    with pytest.raises(Stalled, match="no Envoy beside this Python"):
        find_envoy("always")
    placed = script(tmp_path / "envoy", "exit 0")
    assert find_envoy("auto") == find_envoy("always") == placed


def test_find_off_and_given(tmp_path: Path, binary: Path) -> None:
    """``off`` is none; a path is taken as it is, or a person must act."""
    assert find_envoy("off") is None
    assert find_envoy(str(binary)) == binary
    with pytest.raises(Stalled, match=r"no executable Envoy at .*missing"):
        find_envoy(str(tmp_path / "missing"))


def test_validate_accepts(binary: Path) -> None:
    """Envoy has no complaint about a good configuration."""
    assert validate(binary, GOOD) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bootstrap([{"match": {"prefix": "/"}, "route": {"cluster": "nope"}}]), "route: unknown cluster 'nope'"),
        (
            bootstrap([{"match": {"safe_regex": {"regex": "/a\n(b"}}, "route": {"cluster": "c"}}]),
            "missing ): /a (b",
        ),
        (
            bootstrap([{"route": {"cluster": "c"}}]),
            "HttpConnectionManagerValidationError.RouteConfig.VirtualHosts[0].Routes[0].Match: value is required",
        ),
        (bootstrap([], nonsense=1), "no such field: 'nonsense'"),
        (b"{nope", "Unable to parse JSON as proto"),
    ],
)
def test_validate_quotes_the_reason(binary: Path, content: bytes, words: str) -> None:
    """Envoy's reason comes as one line, without time stamp and without the dump of the configuration before it."""
    told = validate(binary, content)
    assert told is not None
    assert words in told
    assert "\n" not in told
    assert "goo.gle" not in told
    assert "stat_prefix" not in told


def test_validate_bounds_the_reason(binary: Path) -> None:
    """However long Envoy's reason is, ours is bounded."""
    told = validate(binary, b"{" + b"x" * 10_000)
    assert told is not None
    assert len(told) == MAX_REASON


def test_validate_leaves_no_file(binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration is on disk for the check only, and only for us."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    peek = script(tmp_path / "envoy", f'ls -ld {tmp_path}/reconciler-check-* > {tmp_path}/seen; exec {binary} "$@"')
    assert validate(peek, GOOD) is None
    assert (tmp_path / "seen").read_text().startswith("drwx------")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["envoy", "seen"]


def test_validate_gives_up(tmp_path: Path) -> None:
    """A check that hangs is ended with all its children and may be tried again."""
    hanging = script(tmp_path / "envoy", f"sleep 100 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(Transient, match=r"took more than 0\.5 s"):
        validate(hanging, GOOD, timeout_s=0.5)
    eventually(lambda: gone(int((tmp_path / "pid").read_text())))


def test_validate_killed(tmp_path: Path) -> None:
    """A check that is killed says nothing about the configuration."""
    with pytest.raises(Transient, match="ended by SIGKILL"):
        validate(script(tmp_path / "envoy", "kill -9 $$"), GOOD)


def test_validate_cannot_run(tmp_path: Path) -> None:
    """A file that is no program needs a person."""
    odd = tmp_path / "envoy"
    odd.write_bytes(b"\x00")
    odd.chmod(0o755)
    with pytest.raises(Stalled, match="can't run"):
        validate(odd, GOOD)


def test_process_serves_and_ends(binary: Path, tmp_path: Path) -> None:
    """Entered it serves; left it is gone. It is the real program, and sees none of our environment but PATH."""
    with EnvoyProcess(binary, GOOD, tmp_path) as envoy:
        pid = envoy.pid
        assert Path(f"/proc/{pid}/exe").readlink().name == "envoy"
        names = {entry.partition("=")[0] for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if entry}
        assert names <= {"PATH", "LC_CTYPE"}  # the latter is from the launching Python
        assert envoy.listener_port("l") > 0
        assert "LIVE" in envoy.admin("/server_info")
        with pytest.raises(Transient, match="no listener m"):
            envoy.listener_port("m")
        with pytest.raises(Transient, match="404"):
            envoy.admin("/nowhere")
    assert not envoy.alive
    assert gone(pid)


def test_process_restarts(binary: Path, tmp_path: Path) -> None:
    """A restart is a new process that serves again, its log is kept, and starting twice changes nothing."""
    with EnvoyProcess(binary, GOOD, tmp_path) as envoy:
        first = envoy.pid
        envoy.restart()
        second = envoy.pid
        envoy.start()
        assert (gone(first), envoy.pid, envoy.alive) == (True, second, True)
    assert envoy.log_path.read_text().count("starting main dispatch loop") == 2


def test_process_refused(binary: Path, tmp_path: Path) -> None:
    """A configuration that Envoy refuses needs a person, and is explained in Envoy's words; nothing is left running."""
    envoy = EnvoyProcess(binary, b'{"nonsense": 1}', tmp_path)
    with pytest.raises(Stalled, match=r"did not start: .*no such field: 'nonsense'"):
        envoy.start()
    assert not envoy.alive


def test_process_is_not_ready(tmp_path: Path) -> None:
    """A program that never becomes ready is ended, even if it will not listen."""
    deaf = script(tmp_path / "envoy", f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done")
    envoy = EnvoyProcess(deaf, GOOD, tmp_path / "run", ready_timeout_s=0.5, grace_s=0.2)
    with pytest.raises(Transient, match=r"not ready after 0\.5 s"):
        envoy.start()
    assert gone(int((tmp_path / "pid").read_text()))


def test_process_outlives_the_thread_that_started_it(binary: Path, tmp_path: Path) -> None:
    """The kernel ties a child to the thread that made it; ours may be started from any thread."""
    envoy = EnvoyProcess(binary, GOOD, tmp_path)
    starter = threading.Thread(target=envoy.start)
    starter.start()
    starter.join()
    try:
        assert "LIVE" in envoy.admin("/server_info")
        assert envoy.alive
    finally:
        envoy.stop()


def test_process_dies_with_us(binary: Path, tmp_path: Path) -> None:
    """When we are killed without a chance to clean up, Envoy ends too."""
    program = (
        "import sys, time; from pathlib import Path; from reconciler.apply.envoy_binary import EnvoyProcess\n"
        f"e = EnvoyProcess(Path({str(binary)!r}), {GOOD!r}, Path({str(tmp_path)!r})); e.start()\n"
        "print(e.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path.cwd()) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        os.kill(parent.pid, signal.SIGKILL)
    eventually(lambda: gone(pid), what="Envoy's end")


def test_logs_do_not_mix(binary: Path, tmp_path: Path) -> None:
    """What Envoy prints to /dev/stdout and its own log are two files."""
    with EnvoyProcess(binary, GOOD, tmp_path) as envoy:
        assert envoy.access_log_path.read_text() == ""
        assert "starting main dispatch loop" in envoy.log_path.read_text()
