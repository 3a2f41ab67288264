"""A run as Markdown tables, which are readable in a terminal as well."""

from collections.abc import Iterator, Sequence

from tests.bench.repositories import Table
from tests.bench.results import OfTable, Results, Rows, find
from tests.bench.targets import Target, targets

_MS = 1e3
_US = 1e6
_KB = 1e-3


def target_table(results: Results) -> str:
    """What is wanted, and whether it is so."""
    head = ("", "at most", "measured", "")
    return _table(head, [_target(one) for one in targets(results.rows)]) + "\n"


def markdown(results: Results) -> str:
    """All tables of a run, each with its heading."""
    m, rows = results.machine, results.rows
    around = (
        f"{m.processor}, {m.cpus} CPUs, {m.memory_gb} GB; Linux {m.kernel}, Python {m.python}, Envoy {m.envoy}; "
        f"load {m.load} at the start; commit {m.commit}, {m.at}; it took {results.minutes:.0f} minutes. "
        "Medians, with the quartiles in brackets."
    )
    sections = [f"### {title}\n\n{_table(head, body)}" for title, head, body in _sections(rows) if body]
    return "\n\n".join([around, *sections]) + "\n"


Section = tuple[str, Sequence[str], Sequence[tuple[str, ...]]]


def _sections(rows: Rows) -> Iterator[Section]:
    yield _cold(rows)
    yield _incremental(rows)
    yield _served(rows)
    yield _restart(rows)
    yield _requests(rows)
    yield _updates(rows)
    yield _memory(rows)


def _cold(rows: Rows) -> Section:
    head = ("Mappings x hosts", "fetch s", "load s", "compile s", "whole s", "CPU s", "over one host")
    body = []
    for row in rows.cold:
        alone = find(rows.cold, Table(row.mappings))
        ratio = f"{row.whole.median / alone.whole.median:.2f}" if alone and row.hosts > 1 else ""
        samples = (row.fetch, row.load, row.compile, row.whole, row.cpu)
        body.append((_size(row), *(sample.text() for sample in samples), ratio))
    return "From Git to bytes, with nothing kept", head, body


def _incremental(rows: Rows) -> Section:
    head = ("Mappings x hosts", "sharding", "to bytes ms", "CPU ms", "changes")
    body = [
        (_size(row), row.sharding, row.wall.text(_MS), row.cpu.text(_MS), str(row.wall.count))
        for row in rows.incremental
    ]
    return "One changed Mapping, compiled", head, body


def _served(rows: Rows) -> Section:
    head = (
        *("Mappings x hosts", "sharding", "fetch ms", "compile ms", "served ms", "floor ms"),
        *("(served - compile) / floor", "CPU ms", "pushed kB", "Envoy's CPU ms"),
    )
    body = [
        (
            _size(row),
            row.sharding,
            *(sample.text(_MS) for sample in (row.fetch, row.compile, row.served, row.floor)),
            row.over_floor.text(),
            row.whole_cpu.text(_MS),
            row.pushed.text(_KB),
            row.envoy_cpu.text(_MS),
        )
        for row in rows.served
    ]
    return "One changed Mapping, until Envoy answers by it", head, body


def _restart(rows: Rows) -> Section:
    head = (
        *("Mappings x hosts", "`--version` s", "serves s", "more s", "more CPU s", "next change applied s", "CPU s"),
        "ends s",
    )
    body = []
    for row in rows.restart:
        more = (row.without_version, row.without_version_cpu)
        samples = (row.version, row.serve, *more, row.next_change, row.next_cpu, row.keep)
        body.append((_size(row), *(sample.text() for sample in samples)))
    return "After a restart", head, body


def _requests(rows: Rows) -> Section:
    head = (
        *("Mappings x hosts", "routing", "sharding", "CPU us", "over 10 Mappings", "over the first way"),
        *("requests/s", "p99 ms"),
    )
    body = [
        (
            _size(row),
            row.routing,
            row.sharding,
            row.cpu.text(_US),
            row.over_smallest.text(),
            row.over_first.text(),
            row.per_second.text(),
            row.p99_ms.text(),
        )
        for row in rows.requests
    ]
    return "Requests", head, body


def _updates(rows: Rows) -> Section:
    head = ("Mappings x hosts", "sharding", "updates", "updates/s", "requests meanwhile", "failed", "p99 ms")
    body = [
        (
            *(_size(row), row.sharding, str(row.updates), f"{row.per_second:.3g}"),
            *(str(row.requests), str(row.failed), f"{row.p99_ms:.3g}"),
        )
        for row in rows.updates
    ]
    return "Updates under load", head, body


def _memory(rows: Rows) -> Section:
    head = ("Mappings x hosts", "controller MB", "its peak MB", "Envoy MB")
    body = [
        (_size(row), *(f"{mb:.0f}" for mb in (row.controller, row.controller_peak, row.envoy))) for row in rows.memory
    ]
    return "Memory", head, body


def _target(target: Target) -> tuple[str, ...]:
    unit = f" {target.unit}" if target.unit else ""
    return target.what, f"{target.most:g}{unit}", f"{target.text}{unit}", "met" if target.met else "not met"


def _size(row: OfTable) -> str:
    return f"{row.mappings} x {row.hosts}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns line up."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
