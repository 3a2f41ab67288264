"""``reconciler plan --against cluster``: what moving from annotations to files changes, on a real API server."""

import json
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from reconciler.model.errors import ReconcileError
from tests.support.kubernetes import ApiServer

_ANNOTATION = """---
apiVersion: ambassador/v0
kind:  Mapping
name:  httpbin_mapping
prefix: /httpbin/
service: httpbin.org:80
host_rewrite: httpbin.org
"""
# What `reconciler migrate` makes of it, with the namespace that the Service has.
_FILE = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: httpbin_mapping
  namespace: {namespace}
spec:
  hostname: "*"
  prefix: /httpbin/
  service: httpbin.org:80
  host_rewrite: httpbin.org
"""


@dataclass
class Move:
    """A cluster with an annotation, and a folder it is moved into."""

    folder: Path
    namespace: str
    config: Path

    def plan(self, *more: str) -> Result:
        """The plan of the folder against the test's namespace."""
        flags = ["--against", "cluster", "--kubeconfig", str(self.config), "--namespaces", self.namespace, *more]
        return CliRunner().invoke(cli, ["plan", str(self.folder), *flags], standalone_mode=False)

    def write(self, text: str) -> None:
        """What the folder holds."""
        (self.folder / "httpbin.yaml").write_text(text.format(namespace=self.namespace))


@pytest.fixture
def move(api: ApiServer, namespace: str, tmp_path: Path) -> Move:
    """The annotation of the first example of this language, and a folder that says the same."""
    head = {"name": "httpbin", "annotations": {"getambassador.io/config": _ANNOTATION}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": head, "spec": {"ports": [{"port": 80}]}}
    api.admin.apply(service, namespace=namespace)
    found = Move(tmp_path / "routes", namespace, api.kubeconfig(tmp_path / "kubeconfig"))
    found.folder.mkdir()
    found.write(_FILE)
    return found


def test_a_move_into_files_changes_nothing(move: Move) -> None:
    """The same routes in another spelling and place: nothing is pending."""
    result = move.plan("--exit-code")
    assert result.exception is None
    assert result.return_value == 0
    assert "No change in routing" in result.output


def test_what_a_move_changes_is_shown(move: Move) -> None:
    """A slip on the way is seen as routing, in every format, and told by the exit code."""
    move.write(_FILE.replace("/httpbin/", "/httpbin2/"))
    result = move.plan("--exit-code")
    assert result.return_value == 10
    assert "path: prefix /httpbin/ → prefix /httpbin2/" in result.output
    assert "httpbin2" in move.plan("--output", "markdown").output
    (change,) = json.loads(move.plan("--output", "json").stdout)["changes"]
    assert change["op"] == "update"


def test_what_is_forgotten_is_shown(move: Move, api: ApiServer) -> None:
    """An annotation that no file stands for would go; one that is broken is named, and counts as absent."""
    broken = _ANNOTATION.replace("httpbin_mapping", "broken").replace("prefix", "prefx")
    other = _ANNOTATION.replace("httpbin_mapping", "other").replace("/httpbin/", "/other/")
    annotations = {"metadata": {"annotations": {"getambassador.io/config": _ANNOTATION + broken + other}}}
    api.admin.patch("Service", "httpbin", annotations, move.namespace)
    result = move.plan()
    assert f"- Mapping {move.namespace}/other" in result.output
    assert f"counted as absent: Mapping {move.namespace}/broken" in result.output


def test_without_a_cluster_nothing_is_compared(move: Move) -> None:
    """Neither an empty cluster nor the journal takes its place."""
    flags = ["plan", str(move.folder), "--against", "cluster", "--kubernetes", "off"]
    refused = CliRunner().invoke(cli, flags, standalone_mode=False)
    assert isinstance(refused.exception, ReconcileError)
    assert "takes an API server" in str(refused.exception)
    both = CliRunner().invoke(cli, [*flags, "--base", "main"])
    assert both.exit_code == 2


def test_the_reading_verbs_read_a_cluster(move: Move) -> None:
    """What an annotation comes to: its problems, its routes, and which request it serves."""

    def run(*command: str) -> Result:
        flags = ["--from", "cluster", "--kubeconfig", str(move.config), "--namespaces", move.namespace]
        return CliRunner().invoke(cli, [*command, *flags], standalone_mode=False)

    assert "1 file, 1 route, no problems" in run("validate", "--envoy", "off").output
    assert f"Service {move.namespace}/httpbin annotation line 2" in run("route", "http://a.test/httpbin/x").output
    assert "httpbin.org:80" in run("render", "--stage", "table").output
    assert isinstance(run("validate", str(move.folder)).exception, click.UsageError)
