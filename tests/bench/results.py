"""Everything that one run of the benchmark found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reconciler.envoy import Routing
from tests.bench.machine import Machine
from tests.bench.measure_compile import Cold, Restart
from tests.bench.measure_memory import Memory
from tests.bench.measure_requests import Requests
from tests.bench.measure_served import Served
from tests.bench.measure_updates import Updates


class OfTable(Protocol):
    """What was measured on one table."""

    @property
    def mappings(self) -> int:
        """How many."""

    @property
    def hosts(self) -> int:
        """Among how many Hosts they are spread."""


T = TypeVar("T", bound=OfTable)


@dataclass(frozen=True, slots=True)
class Results:
    """One run.

    Attributes:
        scope: what was asked for: ``bench``, ``bench-quick`` or ``bench-tiny``.
        headline: the size that the last line speaks of, on one host.
        minutes: how long it took.
    """

    scope: str
    headline: int
    minutes: float
    machine: Machine
    cold: tuple[Cold, ...]
    served: tuple[Served, ...]
    restart: tuple[Restart, ...]
    requests: tuple[Requests, ...]
    updates: tuple[Updates, ...]
    memory: tuple[Memory, ...]

    @property
    def failed(self) -> int:
        """Requests that failed while routes were updated."""
        return sum(row.failed for row in self.updates)

    def requests_of(self, mappings: int, routing: Routing) -> Requests | None:
        """The row of a table."""
        return next((row for row in self.requests if (row.mappings, row.routing) == (mappings, routing)), None)


def find(rows: Iterable[T], mappings: int, hosts: int = 1) -> T | None:
    """The row of a table; None if it was not measured."""
    return next((row for row in rows if (row.mappings, row.hosts) == (mappings, hosts)), None)


def last_line(results: Results) -> str:
    """What scripts read."""
    size = results.headline
    cold, served = find(results.cold, size), find(results.served, size)
    requests = results.requests_of(size, Routing.AUTO)
    assert cold, f"{size} Mappings on one host were not compiled"
    assert served, f"{size} Mappings on one host were not served"
    assert requests, f"{size} Mappings were not asked for"
    return (
        f"bench: cold_s={cold.whole.median:.2f}"
        f" incremental_ms={served.compile.median * 1000:.1f}"
        f" served_over_floor={served.over_floor.median:.2f}"
        f" cpu_10k_over_10={requests.over_smallest.median:.2f}"
        f" failed_requests={results.failed}"
    )
