"""Golden cases: what every stage makes of small inputs, held against what was written down (`make golden`)."""

import difflib
import json
import re
import subprocess
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import find_envoy
from reconciler.envoy import RenderOptions, render, static_bootstrap
from reconciler.model.problem import Code
from reconciler.model.table import RouteTable
from tests.support import golden
from tests.support.golden import FILES, GOLDEN, cases, reading, strangers

# Only a live Envoy says this.
_NOT_IN_FILES = {Code.ENVOY_REJECTED}
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
    tables = {name: reading(name)[0].compiled.table for name in cases()}
    complaint = _validate(_together(tables), tmp_path)
    if complaint:
        alone = {
            name: found for name, table in tables.items() if (found := _validate(_together({name: table}), tmp_path))
        }
        pytest.fail(f"Envoy complains: {alone or complaint}")


def test_the_check_sees_deprecated_fields(tmp_path: Path) -> None:
    """The test above would notice: a deprecated field makes Envoy complain."""
    bootstrap = json.loads(_bootstrap(_together({"prefix": reading("prefix")[0].compiled.table})))
    text = json.dumps(bootstrap).replace(
        '"prefix": "/app"', '"prefix": "/app", "headers": [{"name": "a", "exact_match": "b"}]'
    )
    assert "eprecated" in _complaint(text.encode(), tmp_path)


def _together(tables: dict[str, RouteTable]) -> RouteTable:
    """All tables as one: every listener under a name and a port of its own."""
    found = [(name, each) for name, table in tables.items() for each in table.listeners]
    listeners = (replace(each, name=f"{name}/{each.name}", port=at) for at, (name, each) in enumerate(found, 1))
    clusters = {cluster for table in tables.values() for cluster in table.clusters}
    return RouteTable(tuple(listeners), (), tuple(sorted(clusters, key=attrgetter("name"))))


def _validate(table: RouteTable, folder: Path) -> str:
    return _complaint(_bootstrap(table), folder)


def _bootstrap(table: RouteTable) -> bytes:
    options = RenderOptions(access_log_path="")
    return static_bootstrap(render(table, options), options, without_files=True)


def _complaint(bootstrap: bytes, folder: Path) -> str:
    """What Envoy says against a configuration: its warnings on deprecated fields too, which alone refuse nothing."""
    binary = find_envoy("auto")
    assert binary is not None
    path = folder / "bootstrap.json"
    path.write_bytes(bootstrap)
    command = [str(binary), "--mode", "validate", "--log-level", "warning", "-c", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    warnings = [line for line in done.stderr.splitlines() if "eprecat" in line]
    return "\n".join(warnings) if done.returncode == 0 else done.stderr
