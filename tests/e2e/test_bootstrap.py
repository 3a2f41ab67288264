"""``render``: every stage is plain data, and its bootstraps start real Envoys."""

import subprocess

import pytest
import yaml

from tests.support.command import PROJECT, Desk
from tests.support.controllers import mapping
from tests.support.envoys import envoy_path, running_envoy, serves
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually


def test_the_static_bootstrap_runs_as_it_is_printed(desk: Desk) -> None:
    """``render --stage bootstrap --output json > e.json && envoy -c e.json`` serves the Mappings as they stand."""
    folder = desk.root / "routes"
    folder.mkdir()
    port = reserve_port()
    with Upstream("up") as upstream:
        (folder / "a.yaml").write_text(mapping("a", "/a/", service=upstream.address))
        (folder / "b.yaml").write_text(mapping("b", "/b/", service=upstream.address, rewrite="/other/"))
        printed = desk.run(
            *("render", folder, "--stage", "bootstrap", "--output", "json", "--listen", f"127.0.0.1:{port}")
        )
        assert (printed.code, printed.err) == (0, "")
        (desk.root / "e.json").write_text(printed.out)
        # As documented, but for what lets several Envoys share a machine.
        with (desk.root / "envoy.log").open("wb") as log:
            process = subprocess.Popen(
                [str(envoy_path()), "-c", str(desk.root / "e.json"), "--disable-hot-restart"], stdout=log, stderr=log
            )
        try:

            def answers() -> bool:
                assert process.poll() is None, (desk.root / "envoy.log").read_text()
                try:
                    return get(port, "/a/x").status == 200
                except OSError:
                    return False

            eventually(answers, seconds=30, what="Envoy to serve")
            assert get(port, "/a/x?q=1").seen["path"] == "/x?q=1"
            assert get(port, "/b/x").seen["path"] == "/other/x"
            assert get(port, "/c/").status == 404
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("stage", ["resources", "merged", "table", "envoy", "bootstrap"])
def test_every_stage_is_plain_data(desk: Desk, stage: str) -> None:
    """The text is YAML, the other form JSON; both hold the same, and something of the sample routes."""
    text = desk.run("render", PROJECT / "routes", "--stage", stage)
    values = desk.run("render", PROJECT / "routes", "--stage", stage, "--output", "json")
    assert (text.code, values.code) == (0, 0)
    assert yaml.safe_load(text.out) == values.value
    assert "httpbin" in values.out
    assert "\x1b" not in text.out


@pytest.mark.parametrize("form", ["pb", "json"])
def test_the_files_bootstrap_follows_the_directory(desk: Desk, form: str) -> None:
    """``render --target files:DIR`` prints what starts an Envoy that then serves each sync."""
    repository = Repository.create(desk.root / "repository")
    with Upstream("up") as upstream:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        flags = ("--files-format", form)
        listening = ("--listen", "127.0.0.1:0", "--access-log", "")
        assert desk.sync(repository.path, *flags, *listening).code == 0
        printed = desk.run(
            *("render", "--stage", "bootstrap", "--target", f"files:{desk.out}", *flags, "--output", "json")
        )
        assert printed.code == 0, printed.text
        with running_envoy(printed.out, desk.root) as running:
            assert serves(running, "/a/")
            repository.commit({"a.yaml": mapping("a", "/next/", service=upstream.address)})
            assert desk.sync(repository.path, *flags, *listening).code == 0
            eventually(lambda: serves(running, "/next/"), what="the next commit")
            assert not serves(running, "/a/")


def test_the_xds_bootstrap_finds_the_controller(desk: Desk) -> None:
    """``render --target xds`` prints what starts an Envoy that waits for ``run`` and then follows each commit."""
    repository = Repository.create(desk.root / "repository")
    xds = f"127.0.0.1:{reserve_port()}"
    printed = desk.run(*("render", "--stage", "bootstrap", "--target", "xds", "--xds-address", xds, "--output", "json"))
    assert printed.code == 0, printed.text
    with Upstream("up") as upstream, running_envoy(printed.out, desk.root, wait=False) as running:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        flags = ("--target", "xds", "--xds-address", xds, "--listen", "127.0.0.1:0", "--interval", "100ms")
        with desk.controller(repository.path, *flags, "--access-log", ""):
            eventually(lambda: serves(running, "/a/"), seconds=30, what="the first commit")
            repository.commit({"a.yaml": mapping("a", "/next/", service=upstream.address)})
            eventually(lambda: serves(running, "/next/"), what="the next commit")
        assert serves(running, "/next/"), "Envoy goes on without the controller"


def test_a_target_that_feeds_no_envoy_has_no_bootstrap(desk: Desk) -> None:
    """``--target none`` is refused with what to do instead."""
    refused = desk.run("render", "--stage", "bootstrap", "--target", "none")
    assert refused.code == 1
    assert "hint: name xds or files:DIR, or leave it out" in refused.err
