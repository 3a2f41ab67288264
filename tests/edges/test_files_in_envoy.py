"""A real Envoy that watches the directory of a file target."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy
from reconciler.apply.files import FilesTarget
from reconciler.envoy import files_bootstrap
from reconciler.model.files import FilesFormat
from reconciler.model.table import Route
from tests.support.http import ask, get
from tests.support.routing import ONE, TWO, cluster, rule, snapshot
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually


@dataclasses.dataclass
class Serving:
    """An Envoy that watches the directory of a target."""

    target: FilesTarget
    envoy: EnvoyProcess
    addresses: dict[str, str]

    def apply(self, routes: Sequence[Route], *used: str) -> None:
        """Apply these routes; Envoy may take its time."""
        self.target.apply(snapshot(routes, *(cluster(name) for name in used), addresses=self.addresses))

    def ask(self, path: str) -> str:
        """Which upstream answers, or the status."""
        return get(self.envoy.listener_port("http-8080"), path).upstream


@pytest.fixture(params=list(FilesFormat))
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    """An Envoy that serves ``/one/`` from files."""
    binary = find_envoy("auto")
    assert binary
    with Upstream("one") as one, Upstream("two") as two:
        addresses = {"one.test": one.address, "two.test": two.address}
        target = FilesTarget(tmp_path / "watched", request.param, settle_s=0.3)
        target.apply(snapshot([ONE], cluster("one"), addresses=addresses))
        bootstrap = files_bootstrap(tmp_path / "watched", request.param)
        with EnvoyProcess(binary, bootstrap, tmp_path / "envoy") as envoy:
            yield Serving(target, envoy, addresses)


def test_envoy_follows(serving: Serving) -> None:
    """Envoy serves what is applied, then what is applied next, without a restart or a complaint."""
    assert serving.ask("/one/") == "one"
    assert serving.ask("/two/") == "(404)"
    serving.apply([ONE, TWO], "one", "two")
    eventually(lambda: serving.ask("/two/") == "two")
    serving.apply([TWO], "two")
    eventually(lambda: serving.ask("/one/") == "(404)")
    assert serving.ask("/two/") == "two"
    eventually(lambda: "cluster.one." not in serving.envoy.admin("/stats"), what="cluster one is removed")
    stats = serving.envoy.admin("/stats?filter=update_rejected|update_failure|deprecated_feature_use")
    assert {line.rpartition(" ")[2] for line in stats.splitlines()} == {"0"}


def test_envoy_survives_deletion(serving: Serving) -> None:
    """Files that vanish leave Envoy serving what it has; applying again goes on from there."""
    for path in (serving.envoy.access_log_path.parents[1] / "watched").iterdir():
        path.unlink()
    assert serving.target.observe() is None
    assert serving.ask("/one/") == "one"
    serving.apply([ONE, TWO], "one", "two")
    eventually(lambda: serving.ask("/two/") == "two")
    assert serving.ask("/one/") == "one"


def test_changes_lose_nothing(serving: Serving) -> None:
    """While routes and clusters around it come and go, a route answers every request, on connections that stay."""
    port = serving.envoy.listener_port("http-8080")
    done = threading.Event()
    answers: list[int] = []
    serving.target = FilesTarget(serving.target.directory, serving.target.form, settle_s=0.1)

    def keep_asking() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        while not done.is_set():
            answers.append(ask(connection, "/one/").status)
        connection.close()

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        for number in range(10):
            serving.apply([ONE, rule("extra", f"/extra/{number}/", "one")], "one")
            serving.apply([ONE, TWO], "one", "two")
        eventually(lambda: serving.ask("/two/") == "two")
    finally:
        done.set()
        client.join()
    assert len(answers) > 100
    assert set(answers) == {200}


def test_a_route_that_changes_its_service_loses_nothing(serving: Serving) -> None:
    """A route that moves to a cluster that is new answers throughout: first from one, then from the other."""
    done = threading.Event()
    answers: list[str] = []

    def keep_asking() -> None:
        port = serving.envoy.listener_port("http-8080")
        while not done.is_set():
            answers.append(get(port, "/one/").upstream)

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        eventually(lambda: answers)
        serving.apply([rule("one", "/one/", "two")], "two")
        eventually(lambda: answers[-1] == "two")
    finally:
        done.set()
        client.join()
    assert answers == sorted(answers)
    assert set(answers) == {"one", "two"}
