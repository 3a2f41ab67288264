"""The benchmark itself, on a table so small that it says nothing about speed, only that it still measures."""

import json
import re
import subprocess
import sys

import pytest

from tests.support.command import PROJECT

LAST_LINE = re.compile(
    r"bench: cold_s=(\d+\.\d\d) incremental_ms=(\d+\.\d) served_over_floor=(\d+\.\d\d)"
    r" cpu_10k_over_10=(\d+\.\d\d) failed_requests=(\d+)"
)


@pytest.mark.timeout(400)
def test_the_benchmark_measures_everything_and_ends_with_a_line_for_scripts() -> None:
    """Every figure is there and above zero, no request failed, and what it leaves can be read."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "bench-tiny"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    line = LAST_LINE.fullmatch(done.stdout.splitlines()[-1])
    assert line, done.stdout
    *figures, failed = map(float, line.groups())
    assert min(figures) > 0
    assert failed == 0
    left = json.loads((PROJECT / "build" / "bench" / "bench-tiny.json").read_text())
    kinds = {"cold", "incremental", "served", "restart", "requests", "updates", "memory"}
    rows = left["rows"]
    assert {kind for kind, found in rows.items() if found} == kinds
    assert rows["served"][0]["pushed"]["median"] > 0
    assert rows["updates"][0]["requests"] > 0
    assert (PROJECT / "build" / "bench" / "bench-tiny.svg").read_text().count("<polyline") == 5
