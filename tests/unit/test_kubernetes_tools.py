"""Building the tools of the Kubernetes tests: once, whole or not at all, and honest where it can't be done."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.cluster.tools import APISERVER, HELM, TLOG

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.support.cluster.tools")
# A compiler that takes its time and remembers what it was asked to make: the real one takes minutes.
SLOW_GO = """#!/bin/sh
while [ "$1" != "-o" ]; do shift; done
sleep 0.1
echo "$3" >> "$ASKED"
echo "compiled $3" >&2
echo "$3" > "$2"
"""


def environment(root: Path, **more: str) -> Mapping[str, str]:
    """A machine with a cache of its own and, unless ``more`` has a PATH, without Go."""
    return {"XDG_CACHE_HOME": str(root / "cache"), "PATH": "/nowhere", "ASKED": str(root / "asked")} | more


def run(environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Build."""
    return subprocess.run([*COMMAND, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def slow_go(tmp_path: Path) -> str:
    """A PATH with the slow compiler."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(SLOW_GO)
    go.chmod(0o755)
    return f"{go.parent}{os.pathsep}{os.environ['PATH']}"


def test_two_at_once_build_once(tmp_path: Path, slow_go: str) -> None:
    """The second waits for the first and uses what that has built; so does any later one, without a compiler."""
    both = environment(tmp_path, PATH=slow_go)
    with subprocess.Popen(COMMAND, cwd=ROOT, env=both, stderr=subprocess.DEVNULL) as other:
        assert run(both).returncode == 0
    assert other.returncode == 0
    assert sorted((tmp_path / "asked").read_text().split()) == sorted(
        [*APISERVER.packages.values(), *HELM.packages.values(), *TLOG.packages.values()]
    )
    assert run(environment(tmp_path)).stderr == ""


def test_what_fails_leaves_nothing(tmp_path: Path, slow_go: str) -> None:
    """A build that breaks off is not taken for one that succeeded, and tells the compiler's own words."""
    (tmp_path / "bin" / "go").write_text(SLOW_GO + "echo no network >&2; exit 1\n")
    done = run(environment(tmp_path, PATH=slow_go))
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert [path.name for path in (tmp_path / "cache" / "reconciler" / "tools").iterdir()] == ["apiserver.lock"]


@pytest.mark.parametrize(
    ("options", "ci", "code"),
    [((), {}, 1), (("--if-possible",), {}, 0), (("--if-possible",), {"CI": "true"}, 1)],
    ids=["asked for", "for the sake of other tests", "in CI"],
)
def test_without_go(tmp_path: Path, options: tuple[str, ...], ci: dict[str, str], code: int) -> None:
    """One line says how to get it; where tests are skipped for it, CI fails instead."""
    done = run(environment(tmp_path, **ci), *options)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert "there is no Go" in line
    assert "make kubernetes-tools" in line
    assert "KUBEBUILDER_ASSETS" in line


def test_assets_of_one_s_own(tmp_path: Path) -> None:
    """Where a user has a server, none is built; Helm still is."""
    done = run(environment(tmp_path, KUBEBUILDER_ASSETS="/assets"))
    assert "no helm" in done.stderr
    assert "apiserver" not in done.stderr.partition(":")[2].partition(":")[0]
