"""What is wanted, beside what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.envoy import Sharding
from tests.bench.repositories import Table
from tests.bench.results import Rows, find, find_sharded
from tests.bench.ways import Way

_TEN, _HUNDRED = Table(10_000), Table(100_000)
_SPREAD = Table(10_000, 500)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is wanted.

    Attributes:
        most: the wanted value, at most, in ``unit``.
        value: what is held against it.
        text: how it was measured to be.
    """

    what: str
    most: float
    unit: str
    value: float
    text: str

    @property
    def met(self) -> bool:
        """Whether it is as wanted."""
        return self.value <= self.most


def targets(rows: Rows) -> Iterator[Target]:
    """Those of the sizes that were measured."""
    yield from _requests(rows)
    yield from _compiled(rows)
    if served := find_sharded(rows.served, _SPREAD, Sharding.HOSTS):
        what = "10,000 Mappings on 500 hosts, `sharding: hosts`: (served - compile) / floor"
        yield Target(what, 3, "", served.over_floor.median, served.over_floor.text())
    if restarted := find(rows.restart, _TEN):
        without = restarted.without_version
        yield Target(
            "10,000 Mappings: restart until served, without Python's start", 0.3, "s", without.median, without.text()
        )
    if rows.updates:
        made = sum(row.updates for row in rows.updates)
        yield Target(f"requests that fail during {made:,} updates", 0, "", rows.failed, str(rows.failed))
    for table, most in ((_TEN, 200), (_HUNDRED, 1000)):
        if remembered := find(rows.memory, table):
            what = f"{table.mappings:,} Mappings: memory of the controller"
            yield Target(what, most, "MB", remembered.controller, f"{remembered.controller:.0f}")


def _requests(rows: Rows) -> Iterator[Target]:
    for table, most in ((_TEN, 1.10), (_HUNDRED, 1.25)):
        if asked := rows.requests_of(table, Way()):
            what = f"{table.mappings:,} Mappings: CPU of a request over that with 10"
            yield Target(what, most, "", asked.over_smallest.median, asked.over_smallest.text())


def _compiled(rows: Rows) -> Iterator[Target]:
    alone, spread = find(rows.cold, _TEN), find(rows.cold, _SPREAD)
    if alone:
        yield Target(
            "10,000 Mappings: from Git to bytes, with nothing kept", 1.0, "s", alone.whole.median, alone.whole.text()
        )
    if alone and spread:
        ratio = spread.whole.median / alone.whole.median
        yield Target("10,000 Mappings: that with 500 hosts over that with one", 1.3, "", ratio, f"{ratio:.2f}")
    for table, most in ((_TEN, 10), (_HUNDRED, 15)):
        if changed := find_sharded(rows.incremental, table, Sharding.NONE):
            text = f"{changed.wall.text(1e3)}, CPU {changed.cpu.text(1e3)}"
            what = f"{table.mappings:,} Mappings on one host: one changed, to bytes"
            yield Target(what, most, "ms", changed.wall.median * 1e3, text)
