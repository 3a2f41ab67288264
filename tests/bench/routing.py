"""What it costs Envoy to find a route: a list of rules against a tree of prefixes, for more and more rules.

Run as ``python -m tests.bench.routing [RULES...]`` (from the root of the repository). Rules are those of
`tests.bench.tables`, answered by Envoy itself: no upstream blurs the difference. Everything else is as
`tests.bench.measure_requests` has it. The numbers are microseconds of CPU per request, medians over the rounds, and the
median of the quotients within a round.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler.compile import Options, compile_routes
from reconciler.envoy import RenderOptions, Routing, render, static_bootstrap
from reconciler.model.policy import DirectResponse
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.table import Route, RouteTable
from reconciler.resources import load
from tests.bench import tables
from tests.bench.measure_requests import Pace, Subject, held, rounds
from tests.bench.repositories import Table
from tests.bench.ways import Way
from tests.support.envoys import running_envoy

SIZES = (5, 10, 20, 30, 50, 100, 1000, 10_000)
_PACE = Pace(rounds=15, seconds=1, idle=1.0)
_TREE, _LIST = Way(Routing.TREE), Way(Routing.LIST)


def main(sizes: list[int]) -> None:
    """Measure and print one line per size."""
    print("rules  list us  tree us  list/tree  (CPU per request)")
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            subjects = [stack.enter_context(_subject(size, way, Path(scratch))) for way in (_TREE, _LIST)]
            tree, plain = rounds(subjects, _PACE)
        micros = [row.cpu.median * 1e6 for row in (plain, tree)]
        print(f"{size:5} {micros[0]:8.2f} {micros[1]:8.2f} {plain.over_smallest.text():>10}", flush=True)


@contextmanager
def _subject(rules: int, way: Way, scratch: Path) -> Iterator[Subject]:
    options, table = way.of(RenderOptions(access_log_path="")), _table_of(rules)
    bootstrap = static_bootstrap(render(table, options), options).decode()
    directory = scratch / way.routing
    with running_envoy(bootstrap, directory) as envoy:
        port = envoy.listener_port(table.listeners[0].name)
        yield held(Table(rules), way, envoy, port, directory / "requests", _PACE)


def _table_of(rules: int) -> RouteTable:
    """A table of so many Mappings, on one port that takes any, which Envoy answers without an upstream."""
    files = tables.repository(rules, ports=(8080,))
    source = SourceSnapshot(None, None, tuple(SourceFile(path, "", text.encode()) for path, text in files.items()))
    table = compile_routes(source, load(source.files), Options()).table
    listeners = tuple(
        replace(
            listener,
            address="127.0.0.1",
            port=0,
            virtual_hosts=tuple(
                replace(host, routes=tuple(map(_answered, host.routes))) for host in listener.virtual_hosts
            ),
        )
        for listener in table.listeners
    )
    return replace(table, listeners=listeners, clusters=())


def _answered(route: Route) -> Route:
    return replace(route, action=DirectResponse(200))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
