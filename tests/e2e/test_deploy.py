"""The manifests: valid for a current API server, and what they configure is what the programs take."""

import json
import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from reconciler.apply.envoy_binary import find_envoy
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import xds_bootstrap
from reconciler.settings import load

MANIFESTS = Path(__file__).parents[2] / "deploy" / "kubernetes"
DOCUMENTS = [
    pytest.param(document, id=f"{document['kind']} {document['metadata']['name']}")
    for path in sorted(MANIFESTS.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]


def config(manifest: str, key: str) -> str:
    """What a ConfigMap of a manifest holds under a key."""
    documents = yaml.safe_load_all((MANIFESTS / manifest).read_text())
    return str(next(d["data"][key] for d in documents if d["kind"] == "ConfigMap"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the validator's own dependencies
@pytest.mark.parametrize("document", DOCUMENTS)
def test_manifests_are_valid(document: dict[str, object]) -> None:
    """Every field is known to the API of the newest schema that the validator ships."""
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_settings_of_the_manifest_are_accepted(tmp_path: Path) -> None:
    """A misspelt or retired setting would crash the controller in the cluster; here it fails the test."""
    file = tmp_path / "settings.yaml"
    file.write_text(config("reconciler.yaml", "settings.yaml"))
    settings = load({}, {}, file).settings
    assert (settings.target, settings.interval) == (("xds",), 30.0)


def test_the_envoys_of_the_manifest_start_with_what_render_prints(tmp_path: Path) -> None:
    """The bootstrap is the one of today, and each pod's name tells its acknowledgements apart."""
    bootstrap = yaml.safe_load(config("envoy.yaml", "envoy.yaml"))
    assert bootstrap == json.loads(xds_bootstrap("reconciler:18000"))
    binary = find_envoy("auto")
    assert binary, "make setup installs Envoy"
    envoy = EnvoyProcess(
        binary, json.dumps(bootstrap).encode(), tmp_path / "envoy", options=("--service-node", f"pod-{os.getpid()}")
    )
    try:
        envoy.start(wait=False)
        assert json.loads(envoy.admin("/server_info"))["node"]["id"] == f"pod-{os.getpid()}"
    finally:
        envoy.stop()
