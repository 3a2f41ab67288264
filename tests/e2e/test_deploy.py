"""What ``deploy/`` holds beside the chart: manifests, image, alerts and dashboard fit the programs of today."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from reconciler.settings import load
from tests.support.command import Desk
from tests.support.controllers import mapping
from tests.support.repositories import Repository

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFESTS = DEPLOY / "kubernetes"
BOOTSTRAPS = DEPLOY / "chart" / "files"
DOCUMENTS = [
    pytest.param(document, id=f"{document['kind']} {document['metadata']['name']}")
    for path in (MANIFESTS / name for name in ("namespace.yaml", "controller.yaml", "envoy.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
PROBES = ("--admin-address", "unix:/run/envoy/admin.sock", "--probe-address", "0.0.0.0:8002", "--output", "json")


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
    file.write_text(config("controller.yaml", "settings.yaml"))
    settings = load({}, {}, file).settings
    assert (settings.target, settings.xds_address) == (("xds",), "0.0.0.0:18000")


@pytest.mark.parametrize(
    ("file", "flags"),
    [
        ("envoy-xds.yaml", ("--target", "xds", "--xds-address", "XDS-HOST:18000")),
        ("envoy-files.yaml", ("--target", "configmap:reconciler/reconciler-routes")),
    ],
)
def test_envoys_start_with_what_render_prints(file: str, flags: tuple[str, ...], desk: Desk) -> None:
    """The chart's bootstraps are those of the command."""
    printed = desk.run("render", "--stage", "bootstrap", *flags, *PROBES)
    assert yaml.safe_load((BOOTSTRAPS / file).read_text()) == printed.value


def test_envoys_with_tls_start_with_what_render_writes(desk: Desk) -> None:
    """The same with TLS to the controller, where a bootstrap is three files."""
    into, tls = desk.root / "into", ("--xds-envoy-certs", "/run/reconciler-xds", "--xds-address", "XDS-HOST:18000")
    done = desk.run("render", "--stage", "bootstrap", "--target", "xds", *tls, *PROBES, "--into", into)
    assert done.code == 0, done.text
    for file in into.iterdir():
        of_chart = "envoy-xds-tls.yaml" if file.name == "envoy.json" else file.name
        written = file.read_text().replace(str(into), "/etc/envoy-bootstrap")
        assert yaml.safe_load((BOOTSTRAPS / of_chart).read_text()) == json.loads(written)


def exposed(desk: Desk) -> set[str]:
    """The names of all metrics of a running controller that has applied something."""
    repository = Repository.create(desk.root / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/"), "bad.yaml": "kind: Mapping\nfoo: 1\n"})
    with desk.controller(repository.path, "--target", f"files:{desk.out}", "--envoy", "off") as running:
        running.await_decision("Partial")
        answer = running.ask("/metrics")
        assert answer
        text = answer.body.decode()
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) | set(
        re.findall(r"^([a-z_]+)[{ ]", text, re.MULTILINE)
    )


def expressions() -> Iterator[str]:
    """Every PromQL expression of the alerts and of the dashboard."""
    for group in yaml.safe_load((DEPLOY / "alerts" / "reconciler.yaml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    board = json.loads((DEPLOY / "dashboards" / "reconciler.json").read_text())
    for text in (
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
        *(annotation["expr"] for annotation in board["annotations"]["list"]),
    ):
        yield text.replace("$namespace", ".*")


def names(expression: Any) -> Iterator[str]:
    """The metrics that a parsed expression reads."""
    match expression:
        case promql_parser.VectorSelector():
            yield str(expression.name)
        case promql_parser.MatrixSelector():
            yield from names(expression.vector_selector)
        case promql_parser.BinaryExpr():
            yield from names(expression.lhs)
            yield from names(expression.rhs)
        case promql_parser.Call():
            for argument in expression.args:
                yield from names(argument)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from names(expression.expr)
        case promql_parser.NumberLiteral():
            return
        case _:
            pytest.fail(f"the test does not know {type(expression)}")


def test_alerts_and_dashboard_read_metrics_that_exist(desk: Desk) -> None:
    """Each expression is PromQL, and each metric in it is one that a controller really shows."""
    read = {name for text in expressions() for name in names(promql_parser.parse(text))}
    assert len(read) >= 8
    assert read - exposed(desk) == set()


def test_every_alert_says_what_it_means() -> None:
    """Who is woken reads a summary and what to do."""
    for group in yaml.safe_load((DEPLOY / "alerts" / "reconciler.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "description"} == rule["annotations"].keys(), rule["alert"]
            assert rule["labels"]["severity"] in ("warning", "critical")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(words[0], words[2]) for line in text.splitlines() if line and (words := line.partition(" "))]


def test_the_image_keeps_to_good_practice() -> None:
    """Bases have versions, what runs is no root and of no shell, and nothing of a package manager stays behind."""
    lines = instructions()
    bases = [words for name, words in lines if name == "FROM"]
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+[^ ]*-slim-[a-z]+( |$)", base) for base in bases)
    ends = dict(lines)
    assert ends["USER"].split(":")[0].isdigit()
    assert int(ends["USER"].split(":")[0]) > 0
    assert json.loads(ends["ENTRYPOINT"]) == ["reconciler"]
    runs = [words for name, words in lines if name == "RUN"]
    for command in runs:
        assert "sudo" not in command
        if "apt-get install" in command:
            assert "--no-install-recommends" in command
            assert "rm -rf /var/lib/apt/lists/*" in command
        if "pip install" in command:
            assert "--no-cache-dir" in command
    assert not [words for name, words in lines if name == "ADD" or (name == "COPY" and words.startswith(". "))]


def test_the_image_has_what_the_package_needs() -> None:
    """What is copied for the build is what the build reads; the Python is one that the package takes."""
    project = (DEPLOY.parent / "pyproject.toml").read_text()
    copied = {word for name, words in instructions() if name == "COPY" for word in shlex.split(words)[:-1]}
    assert {"pyproject.toml", "README.md", "LICENSE", "reconciler"} <= copied
    version = re.search(r"python:(\d+)\.(\d+)", (DEPLOY / "Dockerfile").read_text())
    assert version
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert 'requires-python = ">=3.11"' in project
    assert sys.version_info >= (3, 11)
