"""From a commit to the first answer by its new route, beside Envoy's own floor for the same change, by turns."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.collector import spare_once
from reconciler.loop import Loop
from tests.bench import tables
from tests.bench.envoys import PATIENCE_S, fed_envoy, upstream, xds_port
from tests.bench.floor import Floor
from tests.bench.marks import Marks, Moment, marked_reconcile
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository, Table
from tests.bench.samples import Sample
from tests.bench.watcher import Watcher
from tests.support.controllers import on_repository
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Served:
    """One changed Mapping, in seconds unless it says otherwise.

    Attributes:
        fetch: until the source has answered with the new revision.
        compile: from there to bytes; ``compile_cpu`` the CPU of it.
        check: Envoy's check of the bytes before they are applied.
        served: from the source's answer to the first answer by the new route.
        floor: from the push of the same bytes by the least possible server to the first answer by the new route.
        over_floor: ratio; all but the compile, over the floor of the same turn.
        unchecked_over_floor: ratio; the same without the check.
        whole_cpu: CPU of the whole reconcile, the journal and git included.
    """

    mappings: int
    hosts: int
    fetch: Sample
    compile: Sample
    compile_cpu: Sample
    check: Sample
    served: Sample
    floor: Sample
    over_floor: Sample
    unchecked_over_floor: Sample
    whole_cpu: Sample


@dataclass(frozen=True, slots=True)
class _Turn:
    marks: Marks
    served_at: float
    floor: float

    @property
    def compile(self) -> Moment:
        return self.marks.between("fetched", "compiled")

    @property
    def check(self) -> float:
        return self.marks.between("compiled", "checked").wall

    @property
    def served(self) -> float:
        return self.served_at - self.marks.of["fetched"].wall


def served(repository: BenchRepository, ports: tuple[int, int], scratch: Path, rounds: int, seconds: float) -> Served:
    """Up to so many turns, at least three, and no new one after so many seconds.

    Args:
        repository: its table is applied first.
        ports: of its Listeners.
        scratch: an empty directory; ``scratch / "state"`` is the state directory, and stays.
        rounds: turns at most.
        seconds: after which no further turn begins.
    """
    table = repository.table
    numbers = table.plain_numbers(10)
    with _both(repository, ports, scratch) as (loop, floor, ours, bare):
        turns: list[_Turn] = []
        began = time.monotonic()
        for turn in range(1, rounds + 1):
            if turn > 3 and time.monotonic() - began > seconds:
                break
            number = numbers[turn % len(numbers)]
            turns.append(_turn(loop, repository, number, f"turn-{turn}", floor, ours, bare))
            last = turns[-1]
            say(
                f"turn {turn}: served {last.served * 1000:.1f} ms (compile {last.compile.wall * 1000:.1f},"
                f" check {last.check * 1000:.1f}), floor {last.floor * 1000:.1f} ms"
            )
    return Served(
        table.mappings,
        table.hosts,
        Sample.of([turn.marks.between("began", "fetched").wall for turn in turns]),
        Sample.of([turn.compile.wall for turn in turns]),
        Sample.of([turn.compile.cpu for turn in turns]),
        Sample.of([turn.check for turn in turns]),
        Sample.of([turn.served for turn in turns]),
        Sample.of([turn.floor for turn in turns]),
        Sample.of([(turn.served - turn.compile.wall) / turn.floor for turn in turns]),
        Sample.of([(turn.served - turn.compile.wall - turn.check) / turn.floor for turn in turns]),
        Sample.of([turn.marks.between("began", "done").cpu for turn in turns]),
    )


@contextmanager
def _both(
    repository: BenchRepository, ports: tuple[int, int], scratch: Path
) -> Iterator[tuple[Loop, Floor, Watcher, Watcher]]:
    """A controller and the floor, each with its Envoy, and somebody who watches each Envoy."""
    table = repository.table
    moved = {port: reserve_port() for port in ports}
    with ExitStack() as stack:
        address, _ = stack.enter_context(upstream(scratch))
        settings = {"service_address": (f"*={address}",), "ack_timeout": f"{PATIENCE_S}s"}
        loop = stack.enter_context(on_repository(repository.path, scratch / "state", "xds", **settings))
        stack.enter_context(fed_envoy(xds_port(loop), scratch, "ours"))
        first = marked_reconcile(loop)
        spare_once()()
        say(f"applied within {first.between('began', 'done').wall:.1f} s")
        floor = stack.enter_context(Floor(scratch / "floor", loop.state.applied.snapshot, moved))
        stack.enter_context(fed_envoy(floor.port, scratch, "bare"))
        await_table(table, ports[0])
        await_table(table, moved[ports[0]])
        yield (
            loop,
            floor,
            stack.enter_context(Watcher(ports[0])),
            stack.enter_context(Watcher(moved[ports[0]])),
        )


def _turn(
    loop: Loop,
    repository: BenchRepository,
    number: int,
    version: str,
    floor: Floor,
    ours: Watcher,
    bare: Watcher,
) -> _Turn:
    (sha,) = repository.prepare([repository.change(number, version)])
    repository.advance(sha)
    question = (tables.hostname(number % repository.table.hosts), tables.prefix(number), version)
    before = loop.state.applied.snapshot
    marks = marked_reconcile(loop, before_apply=lambda: ours.expect(*question))
    served_at = ours.seen()
    floor.write(version, before, loop.state.applied.snapshot)
    bare.expect(*question)
    pushed_at = floor.push(version)
    return _Turn(marks, served_at, bare.seen() - pushed_at)


def await_table(table: Table, port: int) -> None:
    """Wait until a port answers with 200 by the last plain Mapping of a table."""
    number = table.plain_numbers(10)[-1]

    def answers() -> bool:
        try:
            return get(port, tables.prefix(number), host=tables.hostname(number % table.hosts)).status == 200
        except OSError:
            return False

    eventually(answers, seconds=PATIENCE_S, what=f"port {port} to serve")
