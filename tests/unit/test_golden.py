"""Golden cases: what every stage makes of small inputs, held against what was written down (`make golden`)."""

import difflib
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply.envoy_binary import find_envoy
from reconciler.envoy import render, static_bootstrap
from reconciler.model.problem import Code
from reconciler.model.table import RouteTable
from tests.support import golden
from tests.support.golden import FILES, GOLDEN, cases, reading, strangers

# Only a live Envoy says the one, and the other takes a cluster or repository that can't be reached.
_NOT_IN_FILES = {Code.ENVOY_REJECTED, Code.SOURCE_DARK, Code.SOURCE_STALE}
_CODE = re.compile(r"^\S+: \w+ \[([a-z0-9-]+)\]", re.MULTILINE)


@pytest.mark.parametrize("name", cases())
@pytest.mark.parametrize("path", FILES)
def test_stage(name: str, path: str) -> None:
    """A stage makes of the inputs what the case says."""
    expected = GOLDEN / name / path
    assert expected.exists(), f"{name}/{path} is missing; run `make golden` and read it"
    want, got = expected.read_text().splitlines(), FILES[path](name).splitlines()
    difference = difflib.unified_diff(want, got, f"{name}/{path}", "now", lineterm="")
    assert want == got, "\n".join(["if this is right, run `make golden`", *difference])


@pytest.mark.parametrize("name", cases())
def test_a_case_holds_nothing_else(name: str) -> None:
    """No stale output and no stray file lies in a case."""
    assert strangers(name) == []


def test_every_problem_code_has_a_case() -> None:
    """Every finding that files can cause is shown by a case, under a place of its own."""
    shown = {code for name in cases() for code in _CODE.findall((GOLDEN / name / "7-problems.txt").read_text())}
    assert shown == set(Code) - _NOT_IN_FILES


def test_no_case_depends_on_the_machine() -> None:
    """No generated file names a place of this machine."""
    for name in cases():
        for path in FILES:
            text = (GOLDEN / name / path).read_text()
            assert str(golden.REPOSITORY) not in text
            assert str(Path.home()) + "/" not in text


def test_envoy_accepts_every_case(tmp_path: Path) -> None:
    """Real Envoy takes what every case renders to, all in one check, and finds nothing in it deprecated."""
    bootstraps = {name: _bootstrap(name, reading(name)[0].compiled.table) for name in cases()}
    if _complaint(_together(bootstraps.values()), tmp_path):
        alone = {name: found for name, one in bootstraps.items() if (found := _complaint(one, tmp_path))}
        pytest.fail(f"Envoy complains: {alone or 'only of all cases together'}")


def test_the_check_sees_deprecated_fields(tmp_path: Path) -> None:
    """The test above would notice: a deprecated field makes Envoy complain."""
    text = json.dumps(_bootstrap("prefix", reading("prefix")[0].compiled.table)).replace(
        '"prefix": "/app"', '"prefix": "/app", "headers": [{"name": "a", "exact_match": "b"}]'
    )
    assert "eprecated" in _complaint(json.loads(text), tmp_path)


def _bootstrap(name: str, table: RouteTable) -> dict[str, Any]:
    """What a table renders to, every listener under a name of its own and on any free port."""
    options = replace(golden.Case.of(GOLDEN / name).options.render, access_log_path="")
    listeners = tuple(replace(each, name=f"{name}/{each.name}", port=0) for each in table.listeners)
    snapshot = render(replace(table, listeners=listeners), options)
    whole: dict[str, Any] = json.loads(static_bootstrap(snapshot, options, without_files=True))
    return whole


def _together(bootstraps: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All as one; a cluster that several have stands in it once."""
    first, *rest = (one for one in bootstraps)
    clusters: dict[str, Any] = {}
    listeners: list[Any] = []
    for one in (first, *rest):
        resources = one.get("static_resources", {})
        clusters |= {cluster["name"]: cluster for cluster in resources.get("clusters", [])}
        listeners += resources.get("listeners", [])
    return {**first, "static_resources": {"clusters": list(clusters.values()), "listeners": listeners}}


def _complaint(bootstrap: dict[str, Any], folder: Path) -> str:
    """What Envoy says against a configuration: its warnings on deprecated fields too, which alone refuse nothing."""
    binary = find_envoy("auto")
    assert binary is not None
    path = folder / "bootstrap.json"
    path.write_text(json.dumps(bootstrap))
    command = [str(binary), "--mode", "validate", "--log-level", "warning", "-c", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    warnings = [line for line in done.stderr.splitlines() if "eprecat" in line]
    return "\n".join(warnings) if done.returncode == 0 else done.stderr
