"""How much is measured: everything, what matters most, or as little as shows that it can be measured."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.envoy import Routing, Sharding
from tests.bench.measure_requests import SERVICES, Asked, Pace
from tests.bench.repositories import Table
from tests.bench.ways import Way

AS_RENDERED, BY_HOST, IN_BUCKETS = Way(), Way(sharding=Sharding.HOSTS), Way(sharding=Sharding.BUCKETS)
ALL_SHARDINGS = (AS_RENDERED, BY_HOST, IN_BUCKETS)
_LIST = Way(Routing.LIST)


@dataclass(frozen=True, slots=True)
class Turns:
    """Of one changed Mapping until it is served: at most so many, and none begins after so many seconds."""

    most: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured on one table.

    Attributes:
        cold: rounds from nothing.
        restarts: after the memory of the real controller has been measured; 0: neither.
        incremental: ways to render for which changes are compiled; ``changes`` of them.
        served: ways to render for which changes are served, in ``turns``.
        updated: ways to render for which there are updates under load; ``updates`` in at most ``updates_s``.
    """

    table: Table
    cold: int
    restarts: int = 0
    incremental: tuple[Way, ...] = ()
    changes: int = 0
    served: tuple[Way, ...] = ()
    turns: Turns = Turns(0, 0)
    updated: tuple[Way, ...] = ()
    updates: int = 0
    updates_s: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """One run.

    Attributes:
        name: of the run, and of what it leaves.
        headline: the table on one host that the last line speaks of.
        spread: the table on many hosts that the last line speaks of.
        smallest: what the CPU of requests is compared with.
    """

    name: str
    headline: Table
    spread: Table
    smallest: Table
    jobs: tuple[Job, ...]
    requests: tuple[Asked, ...]

    def up_to(self, most: int) -> "Scope":
        """Without the tables of more Mappings."""
        jobs = tuple(job for job in self.jobs if job.table.mappings <= most)
        single = [job.table for job in jobs if job.table.hosts == 1]
        spread = [job.table for job in jobs if job.table.hosts > 1]
        assert single, f"the smallest table has {self.jobs[0].table.mappings} Mappings"
        return replace(
            self,
            headline=self.headline if self.headline in single else single[-1],
            spread=self.spread if self.spread in spread else spread[-1],
            jobs=jobs,
            requests=tuple(asked for asked in self.requests if asked.table.mappings <= most),
        )


def _small(mappings: int) -> Iterator[Job]:
    """Tables that cost little; the updates only show that nothing fails, whatever the size."""
    alone, spread = Table(mappings), Table(mappings, mappings // 20)
    turns = Turns(20, 20.0)
    yield Job(alone, 3, 3, (AS_RENDERED,), 30, (AS_RENDERED,), turns)
    yield Job(spread, 3, 0, (BY_HOST,), 30, (BY_HOST,), turns, (BY_HOST,), 100, 10)


def _asked(mappings: int, ways: tuple[Way, ...], pace: Pace, hosts: int = 1) -> Asked:
    return Asked(Table(mappings, hosts, services=SERVICES), ways, pace)


_BOTH = (AS_RENDERED, BY_HOST)
_PACE, _BRIEF = Pace(rounds=7, seconds=2, idle=1.0), Pace(rounds=1, seconds=1, idle=1.0)

FULL = Scope(
    name="bench",
    headline=Table(10_000),
    spread=Table(10_000, 500),
    smallest=Table(10, services=SERVICES),
    jobs=(
        *_small(100),
        *_small(1000),
        Job(Table(10_000), 5, 5, (AS_RENDERED,), 50, (AS_RENDERED,), Turns(20, 45), (AS_RENDERED,), 1000, 30),
        Job(Table(10_000, 500), 5, 3, _BOTH, 50, ALL_SHARDINGS, Turns(20, 30), (BY_HOST,), 1000, 180),
        Job(Table(50_000), 1, 0, (AS_RENDERED,), 20),
        Job(Table(100_000), 2, 1, (AS_RENDERED,), 20, (AS_RENDERED,), Turns(3, 0)),
        Job(Table(100_000, 500), 1, 0, _BOTH, 20, (BY_HOST,), Turns(10, 20)),
    ),
    requests=(
        _asked(10, (AS_RENDERED, _LIST), _PACE),
        _asked(100, (AS_RENDERED, _LIST), _PACE),
        _asked(1000, (AS_RENDERED, _LIST), _PACE),
        _asked(10_000, (AS_RENDERED, _LIST), _PACE),
        _asked(10_000, ALL_SHARDINGS, _PACE, hosts=500),
        _asked(50_000, (AS_RENDERED,), _PACE),
        _asked(50_000, (_LIST,), _BRIEF),
        _asked(100_000, (AS_RENDERED,), _PACE),
    ),
)
QUICK = Scope(
    name="bench-quick",
    headline=Table(10_000),
    spread=Table(10_000, 500),
    smallest=Table(10, services=SERVICES),
    jobs=(
        Job(Table(10_000), 2, 2, (AS_RENDERED,), 20),
        Job(Table(10_000, 500), 1, 0, (BY_HOST,), 20, (BY_HOST,), Turns(20, 10), (BY_HOST,), 200, 15),
    ),
    requests=(_asked(10_000, (AS_RENDERED,), Pace(rounds=5, seconds=1, idle=0.5)),),
)
_FEW = Table(50, 5)
TINY = Scope(
    name="bench-tiny",
    headline=_FEW,
    spread=_FEW,
    smallest=Table(10, services=SERVICES),
    jobs=(Job(_FEW, 1, 1, _BOTH, 2, (BY_HOST,), Turns(2, 0), (BY_HOST,), 3, 5),),
    requests=(_asked(50, (AS_RENDERED,), Pace(rounds=1, seconds=1, idle=0.1), hosts=5),),
)
