"""What an Envoy tells of itself to everybody: when it is ready, its metrics, and nothing that could harm it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from reconciler.apply import XdsTarget
from reconciler.envoy import files_bootstrap, xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.envoys import envoy_path
from tests.support.http import ask, get
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

DRAIN = Path(__file__).parents[2] / "deploy" / "chart" / "files" / "drain.pl"


class UnixConnection(HTTPConnection):
    """HTTP over a socket in the file system."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.host)


def status(port: int, path: str, method: str = "GET") -> int:
    """How a port answers, 0 while nobody listens there."""
    try:
        return get(port, path, method=method).status
    except OSError:
        return 0


@contextmanager
def envoy_with(bootstrap: bytes, directory: Path) -> Iterator[None]:
    """An Envoy that is told nothing about itself on its command line."""
    (directory / "envoy.json").write_bytes(bootstrap)
    with (directory / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [str(envoy_path()), "-c", str(directory / "envoy.json"), "--disable-hot-restart", "--concurrency", "1"],
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def one_route(directory: Path, target: str, port: int) -> Iterator[Loop]:
    """A controller with one Mapping, whose Envoys listen on ``port``."""
    repository = Repository.create(directory / "repository")
    with Upstream("up") as upstream:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        settings = {"listen": f"127.0.0.1:{port}", "service_address": (f"up={upstream.address}",)}
        with on_repository(repository.path, directory / "state", target, **settings) as loop:
            yield loop


@pytest.mark.parametrize("kind", ["xds", "files"])
def test_an_envoy_is_ready_when_it_has_routes_and_shows_no_more(kind: str, tmp_path: Path) -> None:
    """Before its first configuration nothing answers; then readiness and metrics do, and all else is 404."""
    admin, probes, http = tmp_path / "admin.sock", reserve_port(), reserve_port()
    target = "xds" if kind == "xds" else f"files:{tmp_path / 'routes'}"
    operator, everybody = f"unix:{admin}", f"127.0.0.1:{probes}"
    with one_route(tmp_path, target, http) as loop:
        (only,) = loop.edges.targets
        if isinstance(only, XdsTarget):
            bootstrap = xds_bootstrap(f"127.0.0.1:{only.port}", admin=operator, probes=everybody)
        else:
            reconcile(loop, Decision.APPLIED)
            bootstrap = files_bootstrap(tmp_path / "routes", admin=operator, probes=everybody)
        with envoy_with(bootstrap, tmp_path):
            if isinstance(only, XdsTarget):
                eventually(lambda: bool(only.nodes()), what="Envoy to connect")
                with closing(UnixConnection(str(admin))) as connection:
                    assert ask(connection, "/ready").status == 503
                assert status(probes, "/ready") == 0
                reconcile(loop, Decision.APPLIED)
            eventually(lambda: status(probes, "/ready") == 200, what="Envoy to be ready")
            assert get(http, "/a/").status == 200
            assert b"envoy_server_live" in get(probes, "/stats/prometheus").body
            assert b"server.live" in get(probes, "/stats").body
            hidden = [
                ("/quitquitquit", "POST"),
                ("/config_dump", "GET"),
                ("/ready", "POST"),
                ("/ready/../certs", "GET"),
            ]
            assert [status(probes, path, method) for path, method in hidden] == [404] * 4
            assert admin.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(shutil.which("perl") is None, reason="perl is part of the images this runs in")
def test_an_envoy_that_ends_sends_clients_elsewhere(tmp_path: Path) -> None:
    """The hook has /ready fail and connections end with their next response, which is still a good one."""
    admin, probes, http = tmp_path / "admin.sock", reserve_port(), reserve_port()
    with one_route(tmp_path, f"files:{tmp_path / 'routes'}", http) as loop:
        reconcile(loop, Decision.APPLIED)
        bootstrap = files_bootstrap(tmp_path / "routes", admin=f"unix:{admin}", probes=f"127.0.0.1:{probes}")
        with envoy_with(bootstrap, tmp_path):
            eventually(lambda: status(probes, "/ready") == 200, what="Envoy to be ready")
            with closing(HTTPConnection("127.0.0.1", http, timeout=20)) as client:
                assert "connection" not in ask(client, "/a/").headers
                subprocess.run(["perl", str(DRAIN), str(admin), "0"], check=True)
                assert status(probes, "/ready") == 503
                last = ask(client, "/a/")
            assert (last.status, last.headers["connection"]) == (200, "close")
    subprocess.run(["perl", str(DRAIN), str(admin), "60"], check=True, timeout=10)  # there is nobody left to wait for
