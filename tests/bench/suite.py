"""What is measured on which tables, one after the other."""

import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import expected
from tests.bench.machine import this_machine
from tests.bench.measure_compile import cold
from tests.bench.measure_incremental import incremental
from tests.bench.measure_requests import Asked, requests
from tests.bench.measure_restart import memory, restart
from tests.bench.measure_served import served
from tests.bench.measure_updates import updates
from tests.bench.progress import Progress, fresh
from tests.bench.real_controller import RealController
from tests.bench.repositories import BenchRepository
from tests.bench.results import Results, Rows
from tests.bench.scopes import Job, Scope
from tests.support.ports import reserve_port


def measure(scope: Scope) -> Results:
    """Everything, each measurement in processes of its own."""
    machine, began, rows = this_machine(), time.monotonic(), Rows()
    progress = Progress(sum(map(expected.of_job, scope.jobs)) + sum(map(expected.of_requests, scope.requests)))
    for job in scope.jobs:
        with _others_going_on():
            _measure(job, rows, progress)
    for asked in scope.requests:
        with _others_going_on():
            _ask(scope, asked, rows, progress)
    return Results(
        scope=scope.name,
        headline=scope.headline,
        spread=scope.spread,
        minutes=(time.monotonic() - began) / 60,
        machine=machine,
        rows=rows,
    )


def _measure(job: Job, rows: Rows, progress: Progress) -> None:
    table, ports = job.table, (reserve_port(), reserve_port())
    size = f"{table.mappings} Mappings on {table.hosts} hosts"
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch)
        progress.begin(f"a repository of {size}", expected.repository(table))
        repository = BenchRepository.create(root / "repository", table, ports)
        progress.begin(f"cold compile of {size}, {job.cold} times", expected.cold(job))
        rows.cold.append(cold(repository, job.cold))
        if job.incremental:
            progress.begin(f"{job.changes} changes of {size}, compiled", expected.incremental(job))
            rows.incremental += fresh(incremental, repository, job.incremental, job.changes)
        if job.restarts:
            progress.begin(f"memory and restarts with {size}", expected.restart(job))
            with _directory(root) as directory:
                real = RealController.on(repository, directory)
                rows.memory.append(memory(real))
                rows.restart.append(fresh(restart, real, job.restarts))
        for way in job.served:
            progress.begin(f"changes of {size} until served, sharding {way.sharding}", expected.served(job))
            with _directory(root) as directory:
                turns = job.turns
                rows.served.append(fresh(served, repository, ports, directory, way, turns.most, turns.seconds))
        for way in job.updated:
            progress.begin(f"updates of {size} under load, sharding {way.sharding}", expected.updates(job))
            with _directory(root) as directory:
                done = fresh(updates, repository, ports[0], directory, way, job.updates, job.updates_s)
                rows.updates.append(done)


def _ask(scope: Scope, asked: Asked, rows: Rows, progress: Progress) -> None:
    table, ways = asked.table, " and ".join(f"{way.routing}/{way.sharding}" for way in asked.ways)
    text = f"requests to {table.mappings} Mappings on {table.hosts} hosts, {ways}"
    progress.begin(text, expected.of_requests(asked))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        smallest, *others = fresh(requests, scope.smallest, asked, Path(scratch))
    rows.requests += others if rows.requests else (smallest, *others)


@contextmanager
def _others_going_on() -> Iterator[None]:
    """What fails is told, and its rows are missing: the figures of an hour must not go with it."""
    try:
        yield
    except Exception:  # noqa: BLE001 whatever it was, it is printed
        traceback.print_exc()


@contextmanager
def _directory(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=root) as name:
        yield Path(name)
