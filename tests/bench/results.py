"""Everything that one run of the benchmark found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reconciler.envoy import Sharding
from tests.bench.machine import Machine
from tests.bench.measure_compile import Cold
from tests.bench.measure_incremental import Incremental
from tests.bench.measure_requests import Requests
from tests.bench.measure_restart import Memory, Restart
from tests.bench.measure_served import Served
from tests.bench.measure_updates import Updates
from tests.bench.repositories import Table
from tests.bench.ways import Way


class OfTable(Protocol):
    """What was measured on one table."""

    @property
    def mappings(self) -> int:
        """How many."""

    @property
    def hosts(self) -> int:
        """Among how many Hosts they are spread."""


class Sharded(OfTable, Protocol):
    """What was measured on one table that was rendered in one way."""

    @property
    def sharding(self) -> str:
        """How its routes were divided."""


T = TypeVar("T", bound=OfTable)
S = TypeVar("S", bound=Sharded)


@dataclass(slots=True)
class Rows:
    """What was found so far."""

    cold: list[Cold] = field(default_factory=list)
    incremental: list[Incremental] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    restart: list[Restart] = field(default_factory=list)
    requests: list[Requests] = field(default_factory=list)
    updates: list[Updates] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Requests that failed while routes were updated."""
        return sum(row.failed for row in self.updates)

    def requests_of(self, table: Table, way: Way) -> Requests | None:
        """The row of a table that was rendered in a way."""
        rows = (row for row in self.requests if (row.routing, row.sharding) == (way.routing, way.sharding))
        return find(rows, table)


@dataclass(frozen=True, slots=True)
class Results:
    """One run.

    Attributes:
        scope: what was asked for: ``bench``, ``bench-quick`` or ``bench-tiny``.
        headline, spread: the tables that the last line speaks of, on one and on many hosts.
        minutes: how long it took.
    """

    scope: str
    headline: Table
    spread: Table
    minutes: float
    machine: Machine
    rows: Rows


def find(rows: Iterable[T], table: Table) -> T | None:
    """The row of a table; None if it was not measured."""
    return next((row for row in rows if (row.mappings, row.hosts) == (table.mappings, table.hosts)), None)


def find_sharded(rows: Iterable[S], table: Table, sharding: Sharding) -> S | None:
    """The row of a table that was rendered so; None if it was not measured."""
    return find((row for row in rows if row.sharding == sharding), table)


def last_line(results: Results) -> str:
    """What scripts read."""
    rows, table, spread = results.rows, results.headline, results.spread
    cold, requests = find(rows.cold, table), rows.requests_of(table, Way())
    incremental = find_sharded(rows.incremental, table, Sharding.NONE)
    served = find_sharded(rows.served, spread, Sharding.HOSTS)
    assert cold, f"{table} was not compiled"
    assert incremental, f"{table} was not changed"
    assert served, f"{spread} was not served"
    assert requests, f"{table} was not asked for"
    return (
        f"bench: cold_s={cold.whole.median:.2f}"
        f" incremental_ms={incremental.wall.median * 1000:.1f}"
        f" served_over_floor={served.over_floor.median:.2f}"
        f" cpu_10k_over_10={requests.over_smallest.median:.2f}"
        f" failed_requests={rows.failed}"
    )
