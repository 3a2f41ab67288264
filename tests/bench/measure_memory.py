"""Memory of the real controller, in a process of its own, and of the Envoy it feeds."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.bench.envoys import PATIENCE_S, fed_envoy, resident_mb
from tests.bench.progress import say
from tests.bench.repositories import BenchRepository
from tests.support.command import Controller, Desk
from tests.support.ports import reserve_port
from tests.support.waiting import eventually

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


def memory(repository: BenchRepository, port: int, scratch: Path) -> Memory:
    """With an empty state directory, an Envoy that takes all, and a few changes.

    Args:
        repository: what is applied.
        port: of its first Listener.
        scratch: an empty directory.
    """
    table = repository.table
    say(f"memory with {table.mappings} Mappings on {table.hosts} hosts")
    number = table.plain_numbers(1)[0]
    changes = [repository.change(number, f"memory-{version}") for version in range(_CHANGES)]
    commits = repository.prepare(changes)
    address = f"127.0.0.1:{reserve_port()}"
    flags = ("--target", "xds", "--xds-address", address, "--access-log", "", "--interval", "1h")
    with (
        Desk(scratch).controller(
            repository.path, *flags, "--ack-timeout", f"{PATIENCE_S}s", "--service-address", "*=127.0.0.1:1"
        ) as controller,
        fed_envoy(int(address.rpartition(":")[2]), scratch, "remembered") as envoy,
    ):
        _applied(controller)
        for sha in commits:
            repository.advance(sha)
            os.kill(controller.process.pid, signal.SIGHUP)
            _applied(controller, sha)
        pid = controller.process.pid
        return Memory(table.mappings, table.hosts, resident_mb(pid), resident_mb(pid, "VmHWM"), resident_mb(envoy.pid))


def _applied(controller: Controller, sha: str = "") -> None:
    def done() -> bool:
        assert controller.process.poll() is None, f"the controller ended: {controller.text}"
        return any(line["decision"] == "Applied" and line["revision"].endswith(sha) for line in controller.decisions())

    eventually(done, seconds=PATIENCE_S, what="the controller to apply", pause=0.1)
