"""The guide to the installation holds: its commands run in order in a real API server, and its values are taken."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.kubernetes import ApiServer

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "install-on-a-cluster.md"
NAMESPACE = "reconciler"
# These ask a kubelet; here it is looked up that what they ask about is there.
OF_KUBELETS = re.compile(r"^(kubectl --namespace \S+) logs (\S+)$")


def blocks(language: str) -> list[str]:
    """The blocks of a language in the guide."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(api: ApiServer, helm: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody with a checkout, Helm, kubectl and a cluster to themselves."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not there")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    for name in ("token", "deploy_key", "known_hosts"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "values.yaml").write_text(blocks("yaml")[0])
    yield {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(api.kubeconfig(tmp_path / "kubeconfig")),
        "PATH": f"{helm.parent}:{os.environ['PATH']}",
    }
    api.admin.remove_namespace(NAMESPACE)


def test_the_commands_of_the_guide_run(desk: dict[str, str], tmp_path: Path, api: ApiServer) -> None:
    """In order, as a reader types them."""
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert len(commands) >= 15
    for command in commands:
        real = OF_KUBELETS.sub(r"\1 get \2", command)
        done = subprocess.run(
            real, shell=True, cwd=tmp_path, env=desk, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert api.admin.get("StatefulSet", "reconciler", NAMESPACE)["spec"]["replicas"] == 2


def test_every_value_that_the_guide_names_exists() -> None:
    """As in ``envoy.tlsSecrets``: such names are values of the chart, or settings of other files."""
    values = yaml.safe_load((ROOT / "deploy" / "chart" / "values.yaml").read_text())
    tops = "|".join(values)
    written = set(re.findall(rf"`((?:{tops})(?:\.[a-zA-Z]+)*)(?:[=:][^`]*)?`", GUIDE.read_text()))
    named = written - {"tls.crt", "tls.key"}  # which are keys of Secrets
    assert len(named) >= 25
    for name in named:
        found = values
        for part in name.split("."):
            assert isinstance(found, dict), name
            assert part in found, name
            found = found[part]
