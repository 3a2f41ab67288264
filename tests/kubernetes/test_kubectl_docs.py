"""The guide to kubectl holds: its commands run in order beside a real controller, and say what it says."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.announce import news
from tests.support.command import Desk
from tests.support.controllers import mapping
from tests.support.crds import DEFINITIONS
from tests.support.kubernetes import ApiServer
from tests.support.repositories import Repository
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "kubectl.md"
MAPPING = {
    "apiVersion": "getambassador.io/v3alpha1",
    "kind": "Mapping",
    "metadata": {"name": "shop"},
    "spec": {"hostname": "*", "prefix": "/shop/", "service": "shop"},
}

ANNOTATED = MAPPING | {"metadata": {"name": "annotated"}, "spec": {"hostname": "*", "prefix": "/a/", "service": "a"}}


def blocks(language: str) -> list[str]:
    """The blocks of a language in the guide."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(api: ApiServer, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody with a checkout and kubectl; two namespaces, a Service and a Mapping."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not there")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    api.admin.resource("Namespace")
    admin = api.client(api.admin.user)  # that of the other tests must not know kinds that will be gone
    definitions = [
        DEFINITIONS / f"{n}.yaml" for n in ("getambassador.io_mappings", "reconciler.dev_routingrepositories")
    ]
    names = [yaml.safe_load(path.read_text())["metadata"]["name"] for path in definitions]
    admin.apply(yaml.safe_load(definitions[0].read_text()))
    for namespace in ("shop", "reconciler"):
        admin.create_namespace(namespace)
    annotation = {"getambassador.io/config": yaml.safe_dump(ANNOTATED)}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop", "annotations": annotation}}
    admin.apply(service | {"spec": {"ports": [{"port": 80}]}}, MAPPING, namespace="shop")
    config = api.kubeconfig(tmp_path / "kubeconfig")
    yield {"HOME": str(tmp_path), "KUBECONFIG": str(config), "PATH": os.environ["PATH"]}
    for namespace in ("shop", "reconciler"):
        admin.remove_namespace(namespace)
    for name in names:
        if admin.find("CustomResourceDefinition", name) is not None:
            admin.delete("CustomResourceDefinition", name)


def test_the_commands_of_the_guide_run(desk: dict[str, str], tmp_path: Path, api: ApiServer) -> None:
    """In order, as a reader types them; the controller runs with the setting of the guide."""
    commands = [line for block in blocks("console") for line in block.splitlines()]
    commands.sort(key=lambda command: " apply " not in command)  # what is defined must be there when it begins
    assert len(commands) >= 12
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"file.yaml": mapping("file", "/file/")})
    (tmp_path / "settings.yaml").write_text(blocks("yaml")[0])
    flags = ("--config", tmp_path / "settings.yaml", "--annotations", "--custom-resources", "--envoy", "off")
    said = [_said(commands[0], desk, tmp_path)]
    admin = api.client(api.admin.user)
    admin.await_kind("reconciler.dev/v1alpha1/RoutingRepository")
    place = Desk(tmp_path)
    target = ("--target", f"files:{place.out}", "--kubeconfig", desk["KUBECONFIG"], "--interval", "200ms")
    with place.controller(repository.path, *flags, *target) as controller:
        eventually(lambda: api.admin.list("events.k8s.io/v1/Event", "shop"), seconds=40, what="an Event")
        eventually(lambda: admin.find("RoutingRepository", "routes", "reconciler"), what="the object")
        said += [_said(command, desk, tmp_path) for command in commands[1:]]
        assert controller.end() == 0, controller.text
    everything = "\n".join(said)
    assert re.search(r"Normal +Applied +Service/shop", everything)
    assert re.search(r"NAME +HOST +PREFIX +SERVICE +READY +REASON", everything)
    assert re.search(r"NAME +URL +REF +READY +REASON +ATTEMPTED +APPLIED +SUSPENDED +AGE", everything)
    assert '"lastAppliedRevision":"main@sha1:' in everything


def _said(command: str, desk: dict[str, str], folder: Path) -> str:
    """What a command that succeeds prints."""
    done = subprocess.run(
        command, shell=True, cwd=folder, env=desk, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_guide_names_every_reason() -> None:
    """And none that there is not."""
    code = Path(news.__file__).read_text()
    named = {
        reason
        for row in re.findall(r"^\| `(\w+)` \| (?:Normal|Warning)", GUIDE.read_text(), re.MULTILINE)
        for reason in [row]
    }
    assert len(named) == 7
    assert all(f'"{reason}"' in code for reason in named)
