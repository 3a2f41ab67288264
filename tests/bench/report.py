"""A run as Markdown tables, which are readable in a terminal as well."""

from collections.abc import Iterator, Sequence

from reconciler.envoy import Routing
from tests.bench.results import Results, find
from tests.bench.samples import Sample

_MS = 1e3
_US = 1e6


def markdown(results: Results) -> str:
    """All tables of a run, each with its heading."""
    return "\n\n".join(_sections(results)) + "\n"


def _sections(results: Results) -> Iterator[str]:
    m = results.machine
    yield (
        f"{m.processor}, {m.cpus} CPUs, {m.memory_gb} GB; Linux {m.kernel}, Python {m.python}, Envoy {m.envoy}; "
        f"load {m.load} at the start; commit {m.commit}, {m.at}; it took {results.minutes:.0f} minutes. "
        "Medians, with the quartiles in brackets."
    )
    yield _section("Targets", ("", "target", "measured"), list(_targets(results)))
    yield _section("From Git to bytes, with nothing kept", _COLD, [_cold(row) for row in _cold_rows(results)])
    changed = [
        (
            _size(row.mappings, row.hosts),
            row.fetch.text(_MS),
            row.compile.text(_MS),
            row.compile_cpu.text(_MS),
            row.check.text(_MS),
            row.served.text(_MS),
            row.floor.text(_MS),
            row.over_floor.text(),
            row.unchecked_over_floor.text(),
        )
        for row in results.served
    ]
    yield _section("One changed Mapping, until Envoy answers by it", _CHANGED, changed)
    restarts = [
        (_size(row.mappings, row.hosts), *(s.text() for s in (row.serve, row.serve_cpu, row.next_change, row.next_cpu)))
        for row in results.restart
    ]
    yield _section("After a restart", _RESTARTED, restarts)
    asked = [
        (
            str(row.mappings),
            str(row.routing),
            row.cpu.text(_US),
            row.over_smallest.text(),
            row.per_second.text(),
            row.p99_ms.text(),
        )
        for row in results.requests
    ]
    yield _section("Requests", _REQUESTS, asked)
    updated = [
        (
            _size(row.mappings, row.hosts),
            str(row.updates),
            f"{row.per_second:.3g}",
            str(row.requests),
            str(row.failed),
            f"{row.p99_ms:.3g}",
        )
        for row in results.updates
    ]
    yield _section("Updates under load", _UPDATES, updated)
    remembered = [
        (_size(row.mappings, row.hosts), *(f"{mb:.0f}" for mb in (row.controller, row.controller_peak, row.envoy)))
        for row in results.memory
    ]
    yield _section("Memory", _MEMORY, remembered)


_COLD = ("Mappings x hosts", "fetch s", "load s", "compile s", "whole s", "CPU s", "over one host")
_CHANGED = (
    "Mappings x hosts",
    "fetch ms",
    "compile ms",
    "compile CPU ms",
    "check ms",
    "served ms",
    "floor ms",
    "(served - compile) / floor",
    "without the check",
)
_RESTARTED = ("Mappings x hosts", "can serve s", "CPU s", "next change compiled s", "CPU s")
_REQUESTS = ("Mappings", "routing", "CPU us", "over 10 Mappings", "requests/s", "p99 ms")
_UPDATES = ("Mappings x hosts", "updates", "updates/s", "requests meanwhile", "failed", "p99 ms")
_MEMORY = ("Mappings x hosts", "controller MB", "its peak MB", "Envoy MB")


def _cold_rows(results: Results) -> Iterator[tuple[str, list[Sample], str]]:
    for row in results.cold:
        single = find(results.cold, row.mappings)
        ratio = f"{row.whole.median / single.whole.median:.2f}" if single and row.hosts > 1 else ""
        yield _size(row.mappings, row.hosts), [row.fetch, row.load, row.compile, row.whole, row.cpu], ratio


def _cold(row: tuple[str, list[Sample], str]) -> tuple[str, ...]:
    size, samples, ratio = row
    return (size, *(sample.text() for sample in samples), ratio)


def _targets(results: Results) -> Iterator[tuple[str, str, str]]:
    """Those of the sizes that were measured."""
    for size, most_ms in ((10_000, 10), (100_000, 15)):
        if row := find(results.served, size):
            yield f"{size} Mappings: compile one change", f"{most_ms} ms", f"{row.compile.text(_MS)} ms"
    if row := find(results.served, 10_000):
        yield "10000 Mappings: the rest until served, over Envoy's floor", "3", row.over_floor.text()
    if restarted := find(results.restart, 10_000):
        yield "10000 Mappings: restart until it can serve", "0.3 s", f"{restarted.serve.text()} s"
    if asked := results.requests_of(10_000, Routing.AUTO):
        yield "10000 Mappings: CPU of a request over that with 10", "about 1", asked.over_smallest.text()
    if remembered := find(results.memory, 100_000):
        yield "100000 Mappings: memory of the controller", "1000 MB", f"{remembered.controller:.0f} MB"
    yield "requests that fail while routes are updated", "0", str(results.failed)


def _size(mappings: int, hosts: int) -> str:
    return f"{mappings} x {hosts}"


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading and a table whose columns line up."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join([f"### {title}", "", *(f"| {line} |" for line in lines)])
