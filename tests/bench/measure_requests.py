"""What a request costs Envoy, by the size of its table and by how the table is rendered.

Envoy has one worker and one CPU, its clients and the upstream the other. Every round asks each Envoy once, in
alternating order, so that what else the machine does meets all of them. Tables of all sizes share ten services, so that
they differ in their routes alone, not in how many connections Envoy keeps.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.apply.envoy_process import EnvoyProcess
from tests.bench.envoys import cpu_seconds, fed_envoy, idle_cpu, pin, upstream, xds_port
from tests.bench.load import Load, Report, write_requests
from tests.bench.marks import marked_reconcile
from tests.bench.measure_served import await_table
from tests.bench.patience import PATIENCE_S
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository, Table
from tests.bench.samples import Sample
from tests.bench.ways import Way
from tests.support.controllers import on_repository
from tests.support.ports import reserve_port

SERVICES = 10
ENVOYS_CPU, CLIENTS_CPU = 0, 1


@dataclass(frozen=True, slots=True)
class Requests:
    """One table.

    Attributes:
        routing, sharding: how it was rendered.
        cpu: of Envoy per request, without what it uses at rest, in seconds.
        per_second: requests answered.
        over_smallest: ratio of the CPU to that of the smallest table, in the same round.
        over_first: ratio of the CPU to that of the same table, rendered in the first way, in the same round.
        p99_ms: of the times to an answer.
        failed: requests that did not end well.
    """

    mappings: int
    hosts: int
    routing: str
    sharding: str
    cpu: Sample
    per_second: Sample
    over_smallest: Sample
    over_first: Sample
    p99_ms: Sample
    failed: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure.

    Attributes:
        rounds: how many.
        seconds: of each Envoy in each round; whole ones.
        idle: seconds to see what an Envoy uses at rest.
    """

    rounds: int
    seconds: int
    idle: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A table, the ways it is rendered, and how long each is asked."""

    table: Table
    ways: tuple[Way, ...]
    pace: Pace


@dataclass(frozen=True, slots=True)
class Subject:
    """An Envoy to ask.

    Attributes:
        port: it answers on.
        requests: file of what it is asked, see `write_requests`.
        idle: CPU seconds per second it uses at rest.
    """

    table: Table
    way: Way
    envoy: EnvoyProcess
    port: int
    requests: Path
    idle: float


@dataclass(frozen=True, slots=True)
class _Answer:
    cpu: float
    report: Report


def requests(small: Table, asked: Asked, scratch: Path) -> list[Requests]:
    """One table in several ways, beside the smallest one; the rows of both, that of the smallest first."""
    with ExitStack() as stack:
        address, answering = stack.enter_context(upstream(scratch))
        pin(answering.pid, CLIENTS_CPU)
        tables = dict.fromkeys((small, asked.table))  # asked for may be the smallest itself
        repositories = {table: _repository(scratch / f"{table.mappings}", table) for table in tables}
        wanted = dict.fromkeys(((small, Way()), *((asked.table, way) for way in asked.ways)))
        subjects = [
            stack.enter_context(_subject(repositories[table], way, address, asked.pace)) for table, way in wanted
        ]
        return rounds(subjects, asked.pace)


def _repository(directory: Path, table: Table) -> BenchRepository:
    """In an own directory, which has room for what belongs to it."""
    directory.mkdir()
    return BenchRepository.create(directory / "repository", table, (1, 2))


def rounds(subjects: Sequence[Subject], pace: Pace) -> list[Requests]:
    """What came of some rounds; the first subject is the smallest, what the others are compared with."""
    answers: list[list[_Answer]] = [[] for _ in subjects]
    for subject in subjects:
        _ask(subject, 1, seed=0)  # opens the connections to the upstream, and fills caches
    for turn in range(pace.rounds):
        for number in sorted(range(len(subjects)), reverse=bool(turn % 2)):
            answers[number].append(_ask(subjects[number], pace.seconds, seed=turn))
    return [
        _result(subject, mine, answers[0], answers[min(1, number)])
        for number, (subject, mine) in enumerate(zip(subjects, answers, strict=True))
    ]


def _result(subject: Subject, answers: list[_Answer], least: Sequence[_Answer], first: Sequence[_Answer]) -> Requests:
    reports = [answer.report for answer in answers]
    return Requests(
        subject.table.mappings,
        subject.table.hosts,
        subject.way.routing,
        subject.way.sharding,
        Sample.of([answer.cpu for answer in answers]),
        Sample.of([report.requests / report.seconds for report in reports]),
        _ratios(answers, least),
        _ratios(answers, first),
        Sample.of([report.p99_ms for report in reports]),
        sum(report.failed for report in reports),
    )


def _ratios(answers: Sequence[_Answer], others: Sequence[_Answer]) -> Sample:
    return Sample.of([mine.cpu / other.cpu for mine, other in zip(answers, others, strict=True)])


def _ask(subject: Subject, seconds: int, seed: int) -> _Answer:
    before, began = cpu_seconds(subject.envoy.pid), time.perf_counter()
    report = Load(subject.port, subject.requests, seconds, seed, CLIENTS_CPU).report()
    spent, took = cpu_seconds(subject.envoy.pid) - before, time.perf_counter() - began
    assert not report.refused, f"{report.refused} of {report.requests} requests were not answered with 200"
    return _Answer((spent - subject.idle * took) / report.requests, report)


@contextmanager
def _subject(repository: BenchRepository, way: Way, address: str, pace: Pace) -> Iterator[Subject]:
    """An Envoy that serves a table; the controller that fed it is gone, so that it costs nothing meanwhile."""
    table, ports = repository.table, (reserve_port(), reserve_port())
    name = f"{way.routing}-{way.sharding}"
    say(f"serving {table.mappings} Mappings on {table.hosts} hosts, routing {way.routing}, sharding {way.sharding}")
    directory = repository.path.parent / name
    directory.mkdir()
    repository.listen(ports)
    settings = {"service_address": (f"*={address}",), "ack_timeout": f"{PATIENCE_S}s", "envoy": "off"}
    with ExitStack() as stack:
        with on_repository(repository.path, directory / "state", "xds", **settings) as loop:
            way.take(loop)
            envoy = stack.enter_context(fed_envoy(xds_port(loop), directory, name))
            marked_reconcile(loop)
            await_table(table, ports[0])
        yield held(table, way, envoy, ports[0], directory / "requests", pace)


def held(table: Table, way: Way, envoy: EnvoyProcess, port: int, path: Path, pace: Pace) -> Subject:
    """A running Envoy as a subject; its requests are written to ``path``."""
    pin(envoy.pid, ENVOYS_CPU)
    write_requests(table, path)
    return Subject(table, way, envoy, port, path, idle_cpu(envoy.pid, pace.idle))
