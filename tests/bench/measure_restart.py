"""The real controller, in a process of its own: its memory, and how soon it serves again after a restart."""

import os
import subprocess
import time
from dataclasses import dataclass

from tests.bench.ads_client import Client
from tests.bench.envoys import cpu_seconds, fed_envoy, resident_mb
from tests.bench.marks import Moment
from tests.bench.progress import say
from tests.bench.real_controller import RealController, apply, await_applied, end
from tests.bench.samples import Sample
from tests.support.command import COMMAND

_CHANGES = 3


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB.

    Attributes:
        controller: after the first apply and some changes.
        controller_peak: the most it ever was.
        envoy: at the end.
    """

    mappings: int
    hosts: int
    controller: float
    controller_peak: float
    envoy: float


@dataclass(frozen=True, slots=True)
class Restart:
    """From the start of a controller whose state directory was kept, in seconds; all but the last also as CPU.

    Attributes:
        version: ``reconciler --version`` in the same round, from its start to its end: Python and what it imports.
        serve: until a client has all clusters, listeners and routes.
        without_version: by how much the one is more than the other.
        next_change: until the change of one Mapping, committed meanwhile, is applied.
        keep: from the signal that ends it to the end.
    """

    mappings: int
    hosts: int
    version: Sample
    version_cpu: Sample
    serve: Sample
    serve_cpu: Sample
    without_version: Sample
    without_version_cpu: Sample
    next_change: Sample
    next_cpu: Sample
    keep: Sample


@dataclass(frozen=True, slots=True)
class _Round:
    version: Moment
    serve: Moment
    next_change: Moment
    keep: float


def memory(real: RealController) -> Memory:
    """With an Envoy that takes all, and a few changes; it is ended as it should be, and its state directory stays.

    Args:
        real: its directory is empty.
    """
    repository, table = real.repository, real.repository.table
    number = table.plain_numbers(1)[0]
    changes = [repository.change(number, f"memory-{version}") for version in range(_CHANGES)]
    commits = repository.prepare(changes)
    with real.started() as controller, fed_envoy(real.xds_port, real.desk.root, "remembered") as envoy:
        await_applied(controller)
        for sha in commits:
            repository.advance(sha)
            apply(controller, sha)
        pid = controller.process.pid
        found = Memory(table.mappings, table.hosts, resident_mb(pid), resident_mb(pid, "VmHWM"), resident_mb(envoy.pid))
        end(controller)
    return found


def restart(real: RealController, rounds: int) -> Restart:
    """Several times, each time with a commit more than the run before had seen.

    Args:
        real: it ran before, and has ended.
        rounds: how often.
    """
    repository, table = real.repository, real.repository.table
    number = table.plain_numbers(1)[0]
    commits = repository.prepare([repository.change(number, f"restart-{version}") for version in range(rounds)])
    done = [_round(real, sha) for sha in commits]
    more = [one.serve - one.version for one in done]
    say(f"{rounds} restarts")
    return Restart(
        table.mappings,
        table.hosts,
        *_both([one.version for one in done]),
        *_both([one.serve for one in done]),
        *_both(more),
        *_both([one.next_change for one in done]),
        Sample.of([one.keep for one in done]),
    )


def _both(moments: list[Moment]) -> tuple[Sample, Sample]:
    return Sample.of([moment.wall for moment in moments]), Sample.of([moment.cpu for moment in moments])


def _round(real: RealController, sha: str) -> _Round:
    version = _version(real)
    real.repository.advance(sha)
    began = time.perf_counter()
    with real.started() as controller:
        pid = controller.process.pid
        with Client(real.xds_port) as client:
            served_at = client.everything()
            serve = Moment(served_at - began, cpu_seconds(pid))
        await_applied(controller, sha, pause=0.005)
        following = Moment(time.perf_counter() - began, cpu_seconds(pid))
        ending = time.perf_counter()
        end(controller)
        return _Round(version, serve, following, time.perf_counter() - ending)


def _version(real: RealController) -> Moment:
    """The command started for next to nothing."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [*COMMAND, "--version"], env=real.desk.environment(), cwd=real.desk.root, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return Moment(time.perf_counter() - began, used.ru_utime + used.ru_stime)
