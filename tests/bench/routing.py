"""What it costs Envoy to find a route: a list of rules against a tree of prefixes, for more and more rules.

Run as ``python -m tests.bench.routing [RULES...]`` (from the root of the repository). Rules
are those of `tests.bench.tables`, answered by Envoy itself; requests go to each of them equally often. Two Envoys of
one worker each, one with a list and one with a tree, take turns; the numbers are microseconds of CPU per request,
medians over the rounds, and the median of the quotients within a round.
"""

import socket
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy
from reconciler.compile import Options, compile_routes
from reconciler.envoy import RenderOptions, Routing, render, static_bootstrap
from reconciler.model.policy import DirectResponse
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.table import Route, RouteTable
from reconciler.resources import load
from tests.bench import tables

SIZES = (5, 10, 20, 30, 50, 100, 1000, 10_000)
_ROUNDS = 15
_REQUESTS = 8_000  # per round
_CONNECTIONS = 32


def main(sizes: list[int]) -> None:
    """Measure and print one line per size."""
    print("rules  list us  tree us  list/tree  (CPU per request)")
    for size in sizes:
        by_list, by_tree = measured(table_of(size), requests(size))
        quotient = statistics.median(a / b for a, b in zip(by_list, by_tree, strict=True))
        print(
            f"{size:5} {statistics.median(by_list):8.2f} {statistics.median(by_tree):8.2f} {quotient:10.2f}", flush=True
        )


def table_of(rules: int) -> RouteTable:
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


def requests(rules: int) -> list[bytes]:
    """Requests for all rules in turn, in no order; what they ask for meets every condition."""
    numbers = list(range(rules))
    Random(1).shuffle(numbers)
    host = tables.hostname(0)
    return [
        f"GET {tables.prefix(number)}v1/item HTTP/1.1\r\nhost: {host}\r\nx-version: v2\r\n\r\n".encode()
        for number in numbers
    ]


def measured(table: RouteTable, lines: list[bytes]) -> tuple[list[float], list[float]]:
    """Microseconds of CPU per request of each round, by list and by tree."""
    binary = find_envoy("auto")
    if binary is None:
        sys.exit("there is no envoy; run make setup")
    spent: dict[Routing, list[float]] = {Routing.LIST: [], Routing.TREE: []}
    with ExitStack() as stack:
        running = {}
        for routing in spent:
            options = RenderOptions(access_log_path="", routing=routing)
            bootstrap = static_bootstrap(render(table, options), options)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            running[routing] = stack.enter_context(_started(binary, bootstrap, folder))
        ports = {routing: envoy.listener_port(table.listeners[0].name) for routing, envoy in running.items()}
        for number in range(_ROUNDS + 1):
            for routing in sorted(spent, reverse=number % 2 == 1):
                before = cpu_seconds(running[routing].pid)
                sent = drive(ports[routing], lines)
                if number:  # the first warms up
                    spent[routing].append((cpu_seconds(running[routing].pid) - before) / sent * 1e6)
    return spent[Routing.LIST], spent[Routing.TREE]


def _started(binary: Path, bootstrap: bytes, folder: Path) -> EnvoyProcess:
    return EnvoyProcess(binary, bootstrap, folder, options=("--log-level", "error"))


def drive(port: int, lines: list[bytes]) -> int:
    """Sends the requests in turn, a few at a time; returns how many were answered, all of them 200."""
    following = cycle(lines)
    with ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(_CONNECTIONS)
        ]
        for _ in range(_REQUESTS // _CONNECTIONS):
            for connection in connections:
                connection.sendall(next(following))
            for connection in connections:
                answer = connection.recv(1 << 12)
                if not answer.startswith(b"HTTP/1.1 200"):
                    sys.exit(f"expected 200, got {answer!r}")
    return _REQUESTS // _CONNECTIONS * _CONNECTIONS


def cpu_seconds(pid: int) -> float:
    """What the threads of a process have spent on processors."""
    spent = [task.joinpath("schedstat").read_text().split()[0] for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(map(int, spent)) / 1e9


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
