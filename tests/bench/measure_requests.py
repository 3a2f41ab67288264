"""What a request costs Envoy, by the size of its table and by how the table is rendered.

Envoy has one worker and one CPU, its clients and the upstream the other. Every round asks each Envoy once, in
alternating order, so that what else the machine does meets all of them. Tables of all sizes share ten services, so that
they differ in their routes alone, not in how many connections Envoy keeps.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.envoy import Routing
from tests.bench.envoys import PATIENCE_S, cpu_seconds, fed_envoy, idle_cpu, pin, upstream, xds_port
from tests.bench.load import Load, Report, write_requests
from tests.bench.marks import marked_reconcile
from tests.bench.measure_served import await_table
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository, Table
from tests.bench.samples import Sample
from tests.support.controllers import on_repository
from tests.support.ports import reserve_port

SMALLEST = 10
_SERVICES = 10
_ENVOYS_CPU, _CLIENTS_CPU = 0, 1


@dataclass(frozen=True, slots=True)
class Requests:
    """One table.

    Attributes:
        routing: how it was rendered.
        cpu: of Envoy per request, without what it uses at rest, in seconds.
        per_second: requests answered.
        over_smallest: ratio of the CPU to that of ten Mappings, rendered by default, in the same round.
        p99_ms: of the times to an answer.
        failed: requests that did not end well.
    """

    mappings: int
    routing: str
    cpu: Sample
    per_second: Sample
    over_smallest: Sample
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
class _Subject:
    table: Table
    routing: Routing
    envoy: EnvoyProcess
    port: int
    requests: Path
    idle: float


@dataclass(frozen=True, slots=True)
class _Answer:
    cpu: float
    report: Report


def requests(sizes: Sequence[int], scratch: Path, pace: Pace) -> list[Requests]:
    """Tables of these sizes, each beside one of ten Mappings; the first is that one."""
    with ExitStack() as stack:
        address, answering = stack.enter_context(upstream(scratch))
        pin(answering.pid, _CLIENTS_CPU)
        small = stack.enter_context(_subject(Table(SMALLEST, services=_SERVICES), Routing.AUTO, address, scratch, pace))
        found: list[Requests] = []
        for size in sizes:
            table = Table(size, services=_SERVICES)
            routings = (Routing.LIST,) if size == SMALLEST else (Routing.AUTO, Routing.LIST)
            with ExitStack() as those:
                others = [those.enter_context(_subject(table, way, address, scratch, pace)) for way in routings]
                results = _rounds([small, *others], pace)
                found += results if size == sizes[0] else results[1:]
        return found


def _rounds(subjects: Sequence[_Subject], pace: Pace) -> list[Requests]:
    """What came of some rounds; the first subject is what the others are compared with."""
    sizes = " and ".join(f"{subject.table.mappings} ({subject.routing})" for subject in subjects)
    say(f"requests to {sizes} Mappings, {pace.rounds} rounds")
    answers: list[list[_Answer]] = [[] for _ in subjects]
    for subject in subjects:
        _ask(subject, 1, seed=0)  # opens the connections to the upstream, and fills caches
    for turn in range(pace.rounds):
        for number in sorted(range(len(subjects)), reverse=bool(turn % 2)):
            answers[number].append(_ask(subjects[number], pace.seconds, seed=turn))
    return [_result(subject, mine, answers[0]) for subject, mine in zip(subjects, answers, strict=True)]


def _result(subject: _Subject, answers: list[_Answer], smallest: list[_Answer]) -> Requests:
    reports = [answer.report for answer in answers]
    ratios = [mine.cpu / least.cpu for mine, least in zip(answers, smallest, strict=True)]
    return Requests(
        subject.table.mappings,
        subject.routing,
        Sample.of([answer.cpu for answer in answers]),
        Sample.of([report.requests / report.seconds for report in reports]),
        Sample.of(ratios),
        Sample.of([report.p99_ms for report in reports]),
        sum(report.failed for report in reports),
    )


def _ask(subject: _Subject, seconds: int, seed: int) -> _Answer:
    before, began = cpu_seconds(subject.envoy.pid), time.perf_counter()
    report = Load(subject.port, subject.requests, seconds, seed, _CLIENTS_CPU).report()
    spent, took = cpu_seconds(subject.envoy.pid) - before, time.perf_counter() - began
    assert not report.refused, f"{report.refused} of {report.requests} requests were not answered with 200"
    return _Answer((spent - subject.idle * took) / report.requests, report)


@contextmanager
def _subject(table: Table, routing: Routing, address: str, scratch: Path, pace: Pace) -> Iterator[_Subject]:
    """An Envoy that serves a table; the controller that fed it is gone, so that it costs nothing meanwhile."""
    name = f"{table.mappings}-{routing}"
    say(f"serving {table.mappings} Mappings, routing {routing}")
    ports = (reserve_port(), reserve_port())
    directory = scratch / name
    directory.mkdir()
    repository = BenchRepository.create(directory / "repository", table, ports)
    settings = {"service_address": (f"*={address}",), "ack_timeout": f"{PATIENCE_S}s"}
    with ExitStack() as stack:
        with on_repository(repository.path, directory / "state", "xds", **settings) as loop:
            loop.options = replace(loop.options, render=replace(loop.options.render, routing=routing))
            envoy = stack.enter_context(fed_envoy(xds_port(loop), directory, name))
            marked_reconcile(loop)
            await_table(table, ports[0])
        pin(envoy.pid, _ENVOYS_CPU)
        write_requests(table, directory / "requests")
        yield _Subject(table, routing, envoy, ports[0], directory / "requests", idle_cpu(envoy.pid, pace.idle))
