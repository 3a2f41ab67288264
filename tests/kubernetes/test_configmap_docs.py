"""The guide to ConfigMaps holds: its commands run against a real API server, what it unpacks is what Envoy reads."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reconciler.cli.main import cli
from tests.support.controllers import mapping
from tests.support.kubelet import Kubelet
from tests.support.kubernetes import ApiServer
from tests.support.repositories import Repository
from tests.support.waiting import eventually

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "configmaps.md").read_text()


def blocks(language: str) -> list[str]:
    """The blocks of a language in the guide."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(api: ApiServer, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with kubectl and a cluster; git.example.com is a repository on this machine."""
    (tmp_path / ".kube").mkdir()
    api.kubeconfig(tmp_path / ".kube" / "config")
    Repository.create(tmp_path / "routes").commit({"a.yaml": mapping("a", "/a/")})
    return {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RECONCILER_ALLOW_LOCAL": "true",
        "RECONCILER_STATE": str(tmp_path / "state"),
        "RECONCILER_WEB_ADDRESS": "off",
        "RECONCILER_CONFIGMAP_LAYOUT": "packed",
    }


def test_the_commands_of_the_guide_run(api: ApiServer, desk: dict[str, str], tmp_path: Path) -> None:
    """In order, as a reader types them; then what it says of the sidecar."""
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert len(commands) == 5
    api.admin.create_namespace("shop")
    watched = str(tmp_path / "watched")
    try:
        for command in commands:
            real = command.replace("https://git.example.com/team/routes.git", str(tmp_path / "routes"))
            if command.startswith("reconciler run "):
                _until_written(f"{real} --configmap-mount {watched}", api, desk, tmp_path)
            else:
                _runs(real, desk, tmp_path)
        Kubelet(api.admin, "shop", tmp_path / "packed").sync("routes")
    finally:
        api.admin.remove_namespace("shop")
    (pod,) = (yaml.safe_load(block) for block in blocks("yaml") if "initContainers" in block)
    once = " ".join(pod["initContainers"][0]["command"])
    _runs(
        once.replace("/etc/envoy/packed", str(tmp_path / "packed")).replace("/etc/envoy/routes", watched),
        desk,
        tmp_path,
    )
    assert b"/a/" in (tmp_path / "watched" / "rds.listener-8080.pb").read_bytes()


def _until_written(command: str, api: ApiServer, desk: dict[str, str], folder: Path) -> None:
    """The controller writes the ConfigMap, and ends when told."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(f"exec {command}", shell=True, cwd=folder, env=desk, stdout=log, stderr=log)
        try:
            eventually(lambda: api.admin.find("ConfigMap", "routes", "shop"), seconds=40, what="the ConfigMap")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert process.returncode == 0, (folder / "log").read_text()


def _runs(command: str, desk: dict[str, str], folder: Path) -> None:
    """Ours in this process, since half of its time is to begin."""
    name, _, rest = command.partition(" ")
    if name != "reconciler":
        done = subprocess.run(command, shell=True, cwd=folder, env=desk, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return
    words, _, file = rest.partition(" > ")
    with contextlib.chdir(folder):
        result = CliRunner(env=desk).invoke(cli, shlex.split(words), standalone_mode=False)
    assert (result.exception, result.return_value or 0) == (None, 0), f"{command}\n{result.output}"
    if file:
        (folder / file).write_text(result.output)
