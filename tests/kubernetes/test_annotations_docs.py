"""The guide to what stands in the cluster holds: its commands run against a real API server, its settings are taken."""

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
from reconciler.settings import load
from tests.support.kubernetes import ApiServer
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "annotations.md"
MAPPING = """
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: shop, namespace: shop}
spec: {hostname: "*", prefix: /shop/, service: shop}
"""


def blocks(language: str) -> list[str]:
    """The blocks of a language in the guide."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(api: ApiServer, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with a checkout, kubectl, and a context called production."""
    config = yaml.safe_load(api.kubeconfig(tmp_path / "kubeconfig").read_text())
    config["contexts"][0]["name"] = config["current-context"] = "production"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(MAPPING)
    return {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RECONCILER_STATE": str(tmp_path / "state"),
        "RECONCILER_WEB_ADDRESS": "off",
        "RECONCILER_LISTEN": "127.0.0.1:0",
    }


def test_the_commands_of_the_guide_run(desk: dict[str, str], tmp_path: Path, api: ApiServer) -> None:
    """In order, as a reader types them; what is defined on the way is removed."""
    commands = [line for block in blocks("console") for line in block.splitlines()]
    (run,) = (command for command in commands if command.startswith("reconciler run "))
    assert len(commands) >= 6
    admin = api.client(api.admin.user)
    admin.create_namespace("shop")
    annotation = {"getambassador.io/config": MAPPING}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop", "annotations": annotation}}
    admin.apply(service | {"spec": {"ports": [{"port": 80}]}}, namespace="shop")
    try:
        said = [_said(command, desk, tmp_path) for command in commands if command is not run]
        assert "No change in routing" in said[-1]
        _serves(run.replace("/etc/envoy/routes", str(tmp_path / "served")), desk, tmp_path)
    finally:
        admin.remove_namespace("shop")
        for path in sorted((ROOT / "deploy" / "crds").glob("*.yaml")):
            name = yaml.safe_load(path.read_text())["metadata"]["name"]
            if admin.find("CustomResourceDefinition", name) is not None:
                admin.delete("CustomResourceDefinition", name)


def _said(command: str, desk: dict[str, str], folder: Path) -> str:
    """What a command that succeeds prints; ours runs in this process, since half of its time is to begin."""
    if command.startswith("reconciler "):
        with contextlib.chdir(folder):
            result = CliRunner(env=desk).invoke(cli, shlex.split(command)[1:], standalone_mode=False)
        assert (result.exception, result.return_value or 0) == (None, 0), f"{command}\n{result.output}"
        return result.output
    done = subprocess.run(
        command, shell=True, cwd=folder, env=desk, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _serves(command: str, desk: dict[str, str], folder: Path) -> None:
    """The controller serves the annotation, and ends when told."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(f"exec {command}", shell=True, cwd=folder, env=desk, stdout=log, stderr=log)
        try:
            served = folder / "served"
            eventually(
                lambda: any(b"/shop/" in path.read_bytes() for path in served.rglob("*") if path.is_file()),
                seconds=30,
                what="the annotation to be served",
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert process.returncode == 0, (folder / "log").read_text()


def test_the_settings_of_the_guide_are_taken(tmp_path: Path) -> None:
    """As they stand there."""
    file = tmp_path / "reconciler.yaml"
    file.write_text(blocks("yaml")[0])
    settings = load({}, {}, file).settings
    assert settings.annotations
    assert settings.namespaces == ("shop", "billing")
    assert settings.precedence == "git"
