"""Patterns larger than Envoy takes by itself, in real Envoys started from each bootstrap we print."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import re2

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.apply.files import FilesTarget
from reconciler.envoy import RenderOptions, files_bootstrap, render, static_bootstrap, xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.files import FilesFormat
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.match import HostMatch, MatchKind, PathMatch
from reconciler.model.problem import Code
from reconciler.model.table import RouteTable
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.envoys import envoy_path, serves
from tests.support.http import get
from tests.support.repositories import Repository
from tests.support.routing import anyone, cluster, listener, rule, table
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

LARGE = "/" + "[a-z]" * 145
LARGEST = "/" + "[a-z]" * 190
HOST = "[a-z]" * 180
HIT, MISS = "/" + "a" * 145, "/" + "a" * 146


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Where all requests go."""
    with Upstream("up") as running:
        yield running


def large_table() -> RouteTable:
    """A rule with a large path pattern, one near the limit, and one for hosts, whose pattern is wrapped."""
    rules = (
        rule("large", PathMatch(MatchKind.REGEX, LARGE), "up"),
        rule("largest", PathMatch(MatchKind.REGEX, LARGEST, case_sensitive=False), "up"),
        rule("host", "/host/", "up", host=HostMatch(MatchKind.REGEX, HOST)),
    )
    return table([listener(anyone(*rules))], cluster("up"))


def chosen(upstream: Upstream) -> RenderOptions:
    """Where the upstream really is."""
    return RenderOptions(service_addresses={"up.test": upstream.address})


def test_the_patterns_are_what_they_are_meant_to_be() -> None:
    """They are beyond what Envoy takes by itself and within what a Mapping may have."""
    for pattern in (LARGE, LARGEST, HOST):
        assert 100 < re2.compile(pattern).programsize <= DEFAULT_LIMITS.max_regex_program


def test_static(upstream: Upstream, tmp_path: Path) -> None:
    """The static bootstrap takes them, and they match what they say; nothing is warned of."""
    options = chosen(upstream)
    with EnvoyProcess(envoy_path(), static_bootstrap(render(large_table(), options), options), tmp_path) as envoy:
        port = envoy.listener_port("http-8080")
        assert [get(port, path).status for path in (HIT, MISS, "/" + "Z" * 190)] == [200, 404, 200]
        assert [get(port, "/host/", host=host).status for host in ("h" * 180, "h" * 179)] == [200, 404]
        assert "program size" not in envoy.log_path.read_text()


def test_files(upstream: Upstream, tmp_path: Path) -> None:
    """An Envoy that watches files takes them too."""
    target = FilesTarget(tmp_path / "watched", FilesFormat.PB, settle_s=0.3)
    target.apply(render(large_table(), chosen(upstream)))
    with EnvoyProcess(envoy_path(), files_bootstrap(tmp_path / "watched"), tmp_path / "envoy") as envoy:
        assert get(envoy.listener_port("http-8080"), HIT).status == 200


def started(loop: Loop, directory: Path, *, keys: bool) -> EnvoyProcess:
    """An Envoy fed over xDS, from the printed bootstrap or one without the runtime ``keys``."""
    (target,) = loop.edges.targets
    assert isinstance(target, XdsTarget)
    bootstrap = json.loads(xds_bootstrap(f"127.0.0.1:{target.port}", node_id="one"))
    if not keys:
        del bootstrap["layered_runtime"]
    envoy = EnvoyProcess(envoy_path(), json.dumps(bootstrap).encode(), directory / "envoy")
    envoy.start(wait=False)
    eventually(lambda: any(status.node == "one" for status in target.nodes()), what="the Envoy to connect")
    return envoy


def test_xds(upstream: Upstream, tmp_path: Path) -> None:
    """Over xDS, with a pattern that comes after the start."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    address = (f"*={upstream.address}",)
    with on_repository(repository.path, tmp_path / "state", "xds", service_address=address) as loop:
        envoy = started(loop, tmp_path, keys=True)
        try:
            reconcile(loop, Decision.APPLIED)
            repository.commit({"b.yaml": mapping("b", f"'{LARGE}'", prefix_regex="true")})
            reconcile(loop, Decision.APPLIED)
            eventually(lambda: serves(envoy, HIT), what="the large pattern to match")
        finally:
            envoy.stop()


def test_an_envoy_without_the_keys_rejects_them(upstream: Upstream, tmp_path: Path) -> None:
    """With a bootstrap of one's own that lacks the keys the Mapping is named and held, and the rest is applied."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    address = (f"*={upstream.address}",)
    with on_repository(repository.path, tmp_path / "state", "xds", service_address=address) as loop:
        envoy = started(loop, tmp_path, keys=False)
        try:
            reconcile(loop, Decision.APPLIED)
            changes = {"b.yaml": mapping("b", f"'{LARGE}'", prefix_regex="true"), "c.yaml": mapping("c", "/c/")}
            repository.commit(dict(changes))
            outcome = reconcile(loop, Decision.PARTIAL)
            (problem,) = outcome.problems
            assert (problem.code, problem.provenance.path) == (Code.ENVOY_REJECTED, "b.yaml")
            assert "program size" in problem.message
            eventually(lambda: serves(envoy, "/c/"), what="the rest")
        finally:
            envoy.stop()
