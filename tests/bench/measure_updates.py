"""Updates one after the other, as fast as they go, while requests to other routes of the same Envoy go on."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.collector import spare_once
from tests.bench.envoys import fed_envoy, upstream, xds_port
from tests.bench.load import Load, write_requests
from tests.bench.marks import marked_reconcile
from tests.bench.measure_served import await_table
from tests.bench.patience import PATIENCE_S
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository
from tests.bench.ways import Way
from tests.support.controllers import on_repository

_CHANGING = 50
_SAY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Updates:
    """What came of it.

    Attributes:
        updates: applied, each a commit that changes one Mapping, each acknowledged and recorded.
        per_second: of them.
        requests: answered or not meanwhile.
        failed: of them: a status of 400 or more, a connection that broke, or no answer within ten seconds.
        p99_ms: of the times to an answer.
    """

    mappings: int
    hosts: int
    sharding: str
    updates: int
    per_second: float
    requests: int
    failed: int
    p99_ms: float


def updates(repository: BenchRepository, port: int, scratch: Path, way: Way, count: int, seconds: int) -> Updates:
    """So many updates, or as many as there are in so many seconds.

    Args:
        repository: its table is applied first.
        port: of its first Listener.
        scratch: an empty directory.
        way: how the table is rendered.
        count: updates at most.
        seconds: whole ones.
    """
    table = repository.table
    changing = table.plain_numbers(_CHANGING)
    changes = (repository.change(changing[turn % len(changing)], f"update-{turn}") for turn in range(count))
    commits = repository.prepare(changes)
    write_requests(table, scratch / "requests", leave_out=changing)
    with ExitStack() as stack:
        address, _ = stack.enter_context(upstream(scratch))
        settings = {"service_address": (f"*={address}",), "ack_timeout": f"{PATIENCE_S}s", "envoy": "off"}
        loop = stack.enter_context(on_repository(repository.path, scratch / "state", "xds", **settings))
        way.take(loop)
        stack.enter_context(fed_envoy(xds_port(loop), scratch, "under-load"))
        loop.once()
        spare_once()()
        await_table(table, port)
        load = Load(port, scratch / "requests", seconds, seed=1)
        began = said = time.monotonic()
        done = 0
        while done < count and not load.ended:
            repository.advance(commits[done])
            marked_reconcile(loop)
            done += 1
            if time.monotonic() - said > _SAY_EVERY_S:
                said = time.monotonic()
                say(f"{done} updates in {said - began:.0f} s")
        took = time.monotonic() - began
        load.end()
        report = load.report()
    return Updates(
        table.mappings,
        table.hosts,
        way.sharding,
        done,
        done / took,
        report.requests,
        report.failed,
        report.p99_ms,
    )
