"""The real ``reconciler run`` on a table, in a process of its own, which can be started again on what it kept."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.patience import PATIENCE_S
from tests.bench.repositories import BenchRepository
from tests.support.command import Controller, Desk
from tests.support.ports import reserve_port
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class RealController:
    """How it is started: always with the same settings, or what was kept would not count.

    Attributes:
        repository: whose ``main`` it follows.
        desk: where it works; its state directory stays.
        xds_port, web_port: on loopback.
    """

    repository: BenchRepository
    desk: Desk
    xds_port: int
    web_port: int

    @classmethod
    def on(cls, repository: BenchRepository, scratch: Path) -> "RealController":
        """With an empty directory, on free ports."""
        return cls(repository, Desk(scratch), reserve_port(), reserve_port())

    @contextmanager
    def started(self) -> Iterator[Controller]:
        """It, while entered; it is not asked to end."""
        flags = ("--target", "xds", "--xds-address", f"127.0.0.1:{self.xds_port}", "--access-log", "", "--envoy", "off")
        more = ("--interval", "1h", "--ack-timeout", f"{PATIENCE_S}s", "--service-address", "*=127.0.0.1:1")
        path = self.repository.path
        with self.desk.controller(path, *flags, *more, web_port=self.web_port) as controller:
            yield controller


def apply(controller: Controller, sha: str) -> None:
    """Let it look now, and wait until it has applied a commit."""
    os.kill(controller.process.pid, signal.SIGHUP)
    await_applied(controller, sha)


def await_applied(controller: Controller, sha: str = "", pause: float = 0.02) -> None:
    """Wait until a commit is applied, by default any.

    Args:
        controller: who applies it.
        sha: of the commit.
        pause: seconds between two looks.
    """

    def done() -> bool:
        assert controller.process.poll() is None, f"the controller ended: {controller.text}"
        return any(line["decision"] == "Applied" and line["revision"].endswith(sha) for line in controller.decisions())

    eventually(done, seconds=PATIENCE_S, what="the controller to apply", pause=pause)


def end(controller: Controller) -> None:
    """Let it end as it should, keeping what it knows."""
    code = controller.end(seconds=PATIENCE_S)
    assert code == 0, f"the controller ended with {code}: {controller.text}"
