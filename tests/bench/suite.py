"""What is measured on which tables, one after the other."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.machine import this_machine
from tests.bench.measure_compile import Cold, Restart, cold, restart
from tests.bench.measure_memory import Memory, memory
from tests.bench.measure_requests import SMALLEST, Pace, requests
from tests.bench.measure_served import Served, served
from tests.bench.measure_updates import Updates, updates
from tests.bench.progress import fresh
from tests.bench.repositories import BenchRepository, Table
from tests.bench.results import Results
from tests.support.ports import reserve_port


@dataclass(frozen=True, slots=True)
class Scope:
    """How much to measure.

    Attributes:
        name: of the run, and of what it leaves.
        headline: the size that the last line speaks of.
        tables: for everything but the requests.
        rounds: of the cold compile and of the restart.
        turns, turns_s: of one changed Mapping: at most so many, and none begins after so many seconds.
        requests: sizes of tables that requests are sent to.
        pace: of the requests.
        updated: the tables that are updated under load.
        updates, updates_s: at most so many, in at most so many seconds.
    """

    name: str
    headline: int
    tables: tuple[Table, ...]
    rounds: int
    turns: int
    turns_s: float
    requests: tuple[int, ...]
    pace: Pace
    updated: tuple[Table, ...]
    updates: int
    updates_s: int

    def up_to(self, most: int) -> "Scope":
        """Without the tables of more Mappings; the largest that is left is updated under load if none was to be."""
        tables = tuple(table for table in self.tables if table.mappings <= most)
        return replace(
            self,
            headline=min(self.headline, max(table.mappings for table in tables)),
            tables=tables,
            requests=tuple(size for size in self.requests if size <= most),
            updated=tuple(table for table in self.updated if table in tables) or tables[-1:],
        )


_TEN_THOUSAND, _SPREAD, _MANY_SPREAD = Table(10_000), Table(10_000, 500), Table(100_000, 500)

FULL = Scope(
    name="bench",
    headline=10_000,
    tables=(Table(100), Table(1000), _TEN_THOUSAND, _SPREAD, Table(50_000), Table(100_000), _MANY_SPREAD),
    rounds=3,
    turns=30,
    turns_s=60.0,
    requests=(SMALLEST, 100, 1000, 10_000, 50_000, 100_000),
    pace=Pace(rounds=9, seconds=2, idle=2.0),
    updated=(_TEN_THOUSAND, _SPREAD, _MANY_SPREAD),
    updates=1000,
    updates_s=120,
)
QUICK = Scope(
    name="bench-quick",
    headline=10_000,
    tables=(_TEN_THOUSAND,),
    rounds=2,
    turns=20,
    turns_s=15.0,
    requests=(10_000,),
    pace=Pace(rounds=5, seconds=1, idle=0.5),
    updated=(_TEN_THOUSAND,),
    updates=1000,
    updates_s=10,
)
TINY = Scope(
    name="bench-tiny",
    headline=50,
    tables=(Table(50),),
    rounds=1,
    turns=2,
    turns_s=0.0,
    requests=(50,),
    pace=Pace(rounds=1, seconds=1, idle=0.1),
    updated=(Table(50),),
    updates=3,
    updates_s=2,
)


@dataclass(slots=True)
class _OfTable:
    cold: Cold
    served: Served
    restart: Restart
    memory: Memory
    updates: Updates | None


def measure(scope: Scope) -> Results:
    """Everything, each measurement in processes of its own."""
    machine, began = this_machine(), time.monotonic()
    rows = [_of_table(scope, table) for table in scope.tables]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        asked = fresh("requests", requests, scope.requests, Path(scratch), scope.pace)
    return Results(
        scope=scope.name,
        headline=scope.headline,
        minutes=(time.monotonic() - began) / 60,
        machine=machine,
        cold=tuple(row.cold for row in rows),
        served=tuple(row.served for row in rows),
        restart=tuple(row.restart for row in rows),
        requests=tuple(asked),
        updates=tuple(row.updates for row in rows if row.updates),
        memory=tuple(row.memory for row in rows),
    )


def _of_table(scope: Scope, table: Table) -> _OfTable:
    size = f"{table.mappings} Mappings on {table.hosts} hosts"
    ports = (reserve_port(), reserve_port())
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch)
        repository = BenchRepository.create(root / "repository", table, ports)
        from_nothing = cold(repository, scope.rounds)
        kept, empty = root / "kept", root / "empty"
        kept.mkdir()
        empty.mkdir()
        turns = fresh(f"one changed Mapping of {size}", served, repository, ports, kept, scope.turns, scope.turns_s)
        again = restart(repository, kept / "state", scope.rounds)
        changed = None
        if table in scope.updated:
            changed = fresh(
                f"updates of {size} under load", updates, repository, ports[0], kept, scope.updates, scope.updates_s
            )
        return _OfTable(from_nothing, turns, again, memory(repository, ports[0], empty), changed)
