"""Whole reconciles over xDS with real Envoys: served, rejected, rolled back, resumed."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_binary import find_envoy, validate
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.cli import checking
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.audit import Event
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import AckState
from reconciler.model.errors import Transient
from reconciler.model.files import FilesFormat
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code
from tests.support.controllers import decided, mapping, on_repository, reconcile, served
from tests.support.http import get
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

SMALL_PATTERN, LARGE_PATTERN = "/x[0-9]/", "/(a|b|c|d){1,9}[0-9]{1,9}/"


def xds(loop: Loop) -> XdsTarget:
    """The only target."""
    (target,) = loop.edges.targets
    assert isinstance(target, XdsTarget)
    return target


@contextmanager
def envoy_of(loop: Loop, directory: Path, *, node: str = "one", largest_pattern: int = 0) -> Iterator[EnvoyProcess]:
    """A real Envoy fed by the controller; with ``largest_pattern`` it rejects regexes of a larger program."""
    bootstrap = json.loads(xds_bootstrap(f"127.0.0.1:{xds(loop).port}", node_id=node))
    if largest_pattern:
        layer = {"re2.max_program_size.error_level": largest_pattern}
        bootstrap["layered_runtime"] = {"layers": [{"name": "strict", "static_layer": layer}]}
    binary = find_envoy("auto")
    assert binary, "make setup installs Envoy"
    envoy = EnvoyProcess(binary, json.dumps(bootstrap).encode(), directory / node)
    try:
        envoy.start(wait=False)
        eventually(lambda: any(status.node == node for status in xds(loop).nodes()), what=f"{node} to connect")
        yield envoy
    finally:
        envoy.stop()


def port_of(envoy: EnvoyProcess) -> int:
    """The port of the listener once it takes connections: Envoy acknowledges a first one before its workers start."""
    port = envoy.listener_port("listener-0")
    eventually(lambda: takes_connections(port), what="the workers")
    return port


def takes_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(envoy: EnvoyProcess, path: str) -> bool:
    """Whether the listener is there and a route answers."""
    try:
        return get(port_of(envoy), path).status == 200
    except (Transient, OSError):
        return False


def test_a_nack_rolls_back_names_the_mapping_and_applies_the_rest(tmp_path: Path) -> None:
    """A live Envoy rejects what the check let pass: the culprit is found and held, the others are served."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", SMALL_PATTERN, prefix_regex="true"), "b.yaml": mapping("b", "/b/")})
    with Upstream("up") as upstream:
        address = (f"*={upstream.address}",)
        with (
            on_repository(repository.path, tmp_path / "state", "xds", service_address=address) as loop,
            envoy_of(loop, tmp_path, largest_pattern=40) as envoy,
        ):
            assert {ack.state for ack in reconcile(loop, Decision.APPLIED).acks} == {AckState.ACKED}
            assert get(port_of(envoy), "/b/").status == 200
            changes: dict[str, str | bytes | None] = {f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/") for i in range(6)}
            repository.commit(changes | {"a.yaml": mapping("a", LARGE_PATTERN, prefix_regex="true")})
            outcome = reconcile(loop, Decision.PARTIAL)
            assert outcome.reason == "EnvoyRejected"
            (problem,) = outcome.problems
            assert (problem.code, problem.provenance.path) == (Code.ENVOY_REJECTED, "a.yaml")
            assert "program size" in problem.message
            assert {ack.state for ack in outcome.acks} == {AckState.ACKED}
            assert get(port_of(envoy), "/m5/").status == 200
            assert get(port_of(envoy), "/x7/").status == 200
            assert loop.once().quiet
            repository.commit({"a.yaml": mapping("a", "/mended/")})
            reconcile(loop, Decision.APPLIED)
            assert get(port_of(envoy), "/mended/").status == 200
            assert loop.edges.journal.verify().bad is None


@pytest.mark.parametrize("setting", ["auto", "always"])
def test_connected_envoys_are_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """No process is started on the way to an Envoy that is there to object, unless that is asked for."""
    checked: list[str] = []

    def counting(binary: Path, bootstrap: bytes, *, form: FilesFormat) -> str | None:
        checked.append(binary.name)
        return validate(binary, bootstrap, form=form)

    monkeypatch.setattr(checking, "validate", counting)
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    with on_repository(repository.path, tmp_path / "state", "xds", envoy=setting) as loop:
        reconcile(loop, Decision.APPLIED)
        assert len(checked) == 1  # nobody is there yet who would object
        with envoy_of(loop, tmp_path):
            repository.commit({"b.yaml": mapping("b", "/b/")})
            assert {ack.state for ack in reconcile(loop, Decision.APPLIED).acks} == {AckState.ACKED}
        assert len(checked) == (1 if setting == "auto" else 2)
        eventually(lambda: not xds(loop).connected)
        repository.commit({"c.yaml": mapping("c", "/c/")})
        reconcile(loop, Decision.APPLIED)
        assert len(checked) == (2 if setting == "auto" else 3)


def test_when_everything_new_is_rejected_the_last_good_is_back(tmp_path: Path) -> None:
    """A commit whose only change is rejected ends rolled back, with Envoy serving and acknowledging what it had."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", SMALL_PATTERN, prefix_regex="true")})
    with (
        Upstream("up") as upstream,
        on_repository(repository.path, tmp_path / "state", "xds", service_address=(f"*={upstream.address}",)) as loop,
        envoy_of(loop, tmp_path, node="one"),
        envoy_of(loop, tmp_path, node="two", largest_pattern=40) as strict,
    ):
        first = reconcile(loop, Decision.APPLIED)
        sha = repository.commit({"a.yaml": mapping("a", LARGE_PATTERN, prefix_regex="true")})
        outcome = reconcile(loop, Decision.PARTIAL)
        assert served(loop) == {"default/a": SMALL_PATTERN}
        assert get(port_of(strict), "/x7/").status == 200
        assert outcome.quarantined[0][1], "an older version serves"
        assert str(outcome.attempted) == f"main@sha1:{sha}"
        assert first.applied != outcome.attempted


def test_a_restarted_controller_serves_the_last_applied_without_git(tmp_path: Path) -> None:
    """The forge is dead and the controller restarts: an Envoy that boots now gets the last applied routes."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    with Upstream("up") as upstream:
        settings = {"service_address": (f"*={upstream.address}",)}
        with on_repository(repository.path, tmp_path / "state", "xds", **settings) as loop:
            reconcile(loop, Decision.APPLIED)
        shutil.rmtree(repository.path)
        with (
            on_repository(repository.path, tmp_path / "state", "xds", **settings) as loop,
            envoy_of(loop, tmp_path) as envoy,
        ):
            eventually(lambda: answers(envoy, "/a/"), what="the routes of before")
            reconcile(loop, Decision.FAILED)
            assert get(port_of(envoy), "/a/").status == 200


def test_an_envoy_that_joins_later_and_rejects_is_recorded_and_moves_nobody(tmp_path: Path) -> None:
    """A stricter Envoy connects after the apply: its NACK is in the journal and the conditions; the others serve on."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", LARGE_PATTERN, prefix_regex="true")})
    with (
        Upstream("up") as upstream,
        on_repository(repository.path, tmp_path / "state", "xds", service_address=(f"*={upstream.address}",)) as loop,
        envoy_of(loop, tmp_path) as first,
    ):
        reconcile(loop, Decision.APPLIED)
        told: list[Outcome] = []
        loop.report = told.append
        with envoy_of(loop, tmp_path, node="strict", largest_pattern=40):
            eventually(lambda: not loop.late_nacks.empty(), what="the NACK")
            assert loop.once().quiet
        late = told[0]
        assert (late.trigger, late.decision, late.reason) == (Trigger.LATE_NACK, Decision.PARTIAL, "EnvoyRejected")
        assert not late.fine
        newest = decided(loop)[0]
        assert (newest.sequence, newest.acks) == (late.sequence, (("Nacked", 1),))
        assert "program size" in newest.message
        assert get(port_of(first), "/ab12/").status == 200
        assert loop.edges.journal.verify().bad is None


def test_an_interrupted_apply_is_recorded_and_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that died between intent and result: the next start says so and reconciles."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    with on_repository(repository.path, tmp_path / "state", "xds") as loop:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(loop.edges.journal, "conclude", die)
        with pytest.raises(KeyboardInterrupt):
            loop.once()
    with on_repository(repository.path, tmp_path / "state", "xds") as loop:
        assert xds(loop).observe() is None, "nobody knows what Envoys hold: they keep it until Git has spoken"
        reconcile(loop, Decision.APPLIED)
        events = [record.event for record in loop.edges.journal.records() if record.event is not Event.NOTE]
        assert events == [Event.JOURNAL_STARTED, Event.INTENT, Event.INTERRUPTED, Event.INTENT, Event.RESULT]
        assert loop.edges.journal.verify().bad is None
