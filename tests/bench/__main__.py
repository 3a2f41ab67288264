"""Measures what the product costs, on this machine.

Run as ``python -m tests.bench [bench|bench-quick|bench-tiny] [MOST]`` from the root of the repository, or by ``make``;
tables of more than ``MOST`` Mappings are left out. It says
on standard error what it does, and prints its tables and one line for scripts. All figures are left in ``build/bench``;
``bench`` also puts them into ``docs/performance`` and their tables into ``docs/performance.md``.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.bench.plot import svg
from tests.bench.report import markdown, target_table
from tests.bench.results import Results, last_line
from tests.bench.scopes import FULL, QUICK, TINY
from tests.bench.suite import measure
from tests.support.command import PROJECT

_TARGETS, _MEASURED = "targets", "measured"


def main(name: str = FULL.name, most: str = "") -> None:
    """Measure, print, and leave the figures."""
    scope = {scope.name: scope for scope in (FULL, QUICK, TINY)}[name]
    results = measure(scope.up_to(int(most)) if most else scope)
    _leave(results, PROJECT / "build" / "bench", name)
    if name == FULL.name:
        _leave(results, PROJECT / "docs" / "performance", "results")
        _rewrite(PROJECT / "docs" / "performance.md", _TARGETS, target_table(results))
        _rewrite(PROJECT / "docs" / "performance.md", _MEASURED, markdown(results))
    print(target_table(results))
    print(markdown(results))
    print(last_line(results))


def _leave(results: Results, directory: Path, name: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
    (directory / f"{name}.svg").write_text(svg(results))


def _rewrite(page: Path, name: str, tables: str) -> None:
    """Replace what stands between the markers of that name."""
    begin, end = f"<!-- {name}: written by make bench -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    assert found, f"{page} has no place for {name}"
    page.write_text(f"{before}{begin}\n{tables}\n{end}{after}")


if __name__ == "__main__":
    main(*sys.argv[1:])
