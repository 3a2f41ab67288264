"""From a commit to the first answer by its new route, beside Envoy's own floor for the same change, by turns."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.cli.collector import spare_once
from reconciler.loop import Loop
from tests.bench import tables
from tests.bench.envoys import cpu_seconds, fed_envoy, idle_cpu, upstream, xds_port
from tests.bench.floor import Floor
from tests.bench.marks import Marks, Moment, marked_reconcile
from tests.bench.patience import PATIENCE_S
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository, Table
from tests.bench.samples import Sample
from tests.bench.watcher import Watcher
from tests.bench.ways import Way
from tests.support.controllers import on_repository
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.waiting import eventually

_LEAST = 3  # turns
_UNWATCHED = 10
_CLEANED_S = 0.2  # what Envoy does after that counts as part of the next change


@dataclass(frozen=True, slots=True)
class Served:
    """One changed Mapping, in seconds unless it says otherwise.

    Attributes:
        sharding: how the routes were divided.
        fetch: until the source has answered with the new revision.
        compile: from there to bytes.
        served: from the source's answer to the first answer by the new route.
        floor: from the push of the same bytes by the least possible server to the first answer by the new route.
        over_floor: ratio; all but the compile, over the floor of the same turn.
        whole_cpu: CPU of the whole reconcile, the journal and git included.
        pushed: bytes of the resources that go to an Envoy.
        envoy_cpu: what Envoy spends on the change, nobody asking anything.
    """

    mappings: int
    hosts: int
    sharding: str
    fetch: Sample
    compile: Sample
    served: Sample
    floor: Sample
    over_floor: Sample
    whole_cpu: Sample
    pushed: Sample
    envoy_cpu: Sample


@dataclass(frozen=True, slots=True)
class _Turn:
    marks: Marks
    served_at: float
    floor: float
    pushed: int

    @property
    def compile(self) -> Moment:
        return self.marks.between("fetched", "compiled")

    @property
    def served(self) -> float:
        return self.served_at - self.marks.of["fetched"].wall


@dataclass(frozen=True, slots=True)
class _Sides:
    """A controller and the floor, each with its Envoy, and somebody who watches each Envoy."""

    loop: Loop
    envoy: EnvoyProcess
    floor: Floor
    ours: Watcher
    bare: Watcher


def served(
    repository: BenchRepository, ports: tuple[int, int], scratch: Path, way: Way, turns: int, seconds: float
) -> Served:
    """Up to so many turns, at least three, and no new one after so many seconds.

    Args:
        repository: its table is applied first.
        ports: of its Listeners.
        scratch: an empty directory.
        way: how the table is rendered.
        turns: at most.
        seconds: after which no further turn begins.
    """
    table = repository.table
    with _both(repository, ports, scratch, way) as sides:
        done: list[_Turn] = []
        began = time.monotonic()
        while len(done) < turns and (len(done) < _LEAST or time.monotonic() - began < seconds):
            done.append(_turn(sides, repository, len(done)))
        say(f"{len(done)} turns in {time.monotonic() - began:.0f} s")
        unwatched = _unwatched(sides, repository, min(len(done), _UNWATCHED))
    return Served(
        table.mappings,
        table.hosts,
        way.sharding,
        Sample.of([turn.marks.between("began", "fetched").wall for turn in done]),
        Sample.of([turn.compile.wall for turn in done]),
        Sample.of([turn.served for turn in done]),
        Sample.of([turn.floor for turn in done]),
        Sample.of([(turn.served - turn.compile.wall) / turn.floor for turn in done]),
        Sample.of([turn.marks.between("began", "done").cpu for turn in done]),
        Sample.of([turn.pushed for turn in done]),
        Sample.of(unwatched),
    )


@contextmanager
def _both(repository: BenchRepository, ports: tuple[int, int], scratch: Path, way: Way) -> Iterator[_Sides]:
    table = repository.table
    moved = {port: reserve_port() for port in ports}
    with ExitStack() as stack:
        address, _ = stack.enter_context(upstream(scratch))
        settings = {"service_address": (f"*={address}",), "ack_timeout": f"{PATIENCE_S}s", "envoy": "off"}
        loop = stack.enter_context(on_repository(repository.path, scratch / "state", "xds", **settings))
        way.take(loop)
        ours = stack.enter_context(fed_envoy(xds_port(loop), scratch, "ours"))
        first = marked_reconcile(loop)
        spare_once()()
        say(f"applied within {first.between('began', 'done').wall:.1f} s")
        floor = stack.enter_context(Floor(scratch / "floor", loop.state.applied.snapshot, moved))
        stack.enter_context(fed_envoy(floor.port, scratch, "bare"))
        await_table(table, ports[0])
        await_table(table, moved[ports[0]])
        watchers = (stack.enter_context(Watcher(port)) for port in (ports[0], moved[ports[0]]))
        yield _Sides(loop, ours, floor, *watchers)


def _turn(sides: _Sides, repository: BenchRepository, number: int) -> _Turn:
    version = f"turn-{number}"
    mapping = _commit(repository, number, version)
    question = (tables.hostname(mapping % repository.table.hosts), tables.prefix(mapping), version)
    before = sides.loop.state.applied.snapshot
    marks = marked_reconcile(sides.loop, before_apply=lambda: sides.ours.expect(*question))
    served_at = sides.ours.seen()
    pushed = sides.floor.write(version, before, sides.loop.state.applied.snapshot)
    sides.bare.expect(*question)
    pushed_at = sides.floor.push(version)
    return _Turn(marks, served_at, sides.bare.seen() - pushed_at, pushed)


def _unwatched(sides: _Sides, repository: BenchRepository, changes: int) -> list[float]:
    """CPU of Envoy for each of some changes: all from one to the next, as it cleans up after it has acknowledged."""
    pid = sides.envoy.pid
    idle = idle_cpu(pid, 0.5)
    spent = [cpu_seconds(pid)]
    for number in range(changes):
        began = time.perf_counter()
        _commit(repository, number, f"unwatched-{number}")
        marked_reconcile(sides.loop)
        idle_cpu(pid, _CLEANED_S)
        spent.append(cpu_seconds(pid) - idle * (time.perf_counter() - began))
    return [after - before for before, after in pairwise(spent)]


def _commit(repository: BenchRepository, number: int, version: str) -> int:
    """Commits a change of one of ten Mappings, taking turns; returns which."""
    numbers = repository.table.plain_numbers(10)
    mapping = numbers[number % len(numbers)]
    (sha,) = repository.prepare([repository.change(mapping, version)])
    repository.advance(sha)
    return mapping


def await_table(table: Table, port: int) -> None:
    """Wait until a port answers with 200 by the last plain Mapping of a table."""
    number = table.plain_numbers(10)[-1]

    def answers() -> bool:
        try:
            return get(port, tables.prefix(number), host=tables.hostname(number % table.hosts)).status == 200
        except OSError:
            return False

    eventually(answers, seconds=PATIENCE_S, what=f"port {port} to serve")
