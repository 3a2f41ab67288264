"""The real ``reconciler`` command in processes of its own, as its users run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.http import Reply, get
from tests.support.ports import reserve_port
from tests.support.waiting import eventually

PROJECT = Path(__file__).parents[2]
COMMAND = (str(Path(sys.executable).parent / "reconciler"),)
FAULTY = (sys.executable, "-m", "tests.support.faulty")  # run it in PROJECT


@dataclass(frozen=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    @cached_property
    def value(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Desk:
    """A place to work from: a home, a place for temporary files and one for state that nobody else uses."""

    root: Path

    @property
    def temporary(self) -> Path:
        """Where the command keeps its temporary files."""
        return self._made("tmp")

    @property
    def home(self) -> Path:
        """What the command takes for the home of its user."""
        return self._made("home")

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.root / "state"

    @property
    def out(self) -> Path:
        """The directory of a file target."""
        return self.root / "out"

    def _made(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def environment(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """What the command sees of this machine."""
        own = {"HOME": str(self.home), "TMPDIR": str(self.temporary), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return own | dict(more)

    def run(
        self,
        *arguments: object,
        env: Mapping[str, str] = {},
        before: Sequence[str] = (),
        command: Sequence[str] = COMMAND,
        cwd: Path | None = None,
        seconds: float = 60,
    ) -> Result:
        """Run the command to its end.

        Args:
            arguments: its arguments.
            env: further environment variables.
            before: a command that runs it, e.g. ``prlimit``.
            command: what stands for ``reconciler``.
            cwd: where it runs; the desk by default.
            seconds: how long it may take.
        """
        done = subprocess.run(
            [*before, *command, *map(str, arguments)],
            env=self.environment(env),
            cwd=cwd or self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def sync(self, repository: Path, *arguments: object, **options: Any) -> Result:
        """``reconciler sync`` from a repository of this machine to the file target."""
        return self.run("sync", *self.source(repository), "--target", f"files:{self.out}", *arguments, **options)

    def source(self, repository: Path) -> tuple[object, ...]:
        """The flags that follow ``main`` of a repository on this machine with the state of this desk."""
        return ("--repo", repository, "--ref", "main", "--allow-local", "--state", self.state)

    @contextmanager
    def controller(
        self,
        repository: Path,
        *arguments: object,
        web_port: int = 0,
        command: Sequence[str] = COMMAND,
        env: Mapping[str, str] = {},
    ) -> Iterator["Controller"]:
        """``reconciler run`` on a repository of this machine; killed at the end if it still runs."""
        port = web_port or reserve_port()
        log = self.root / "controller.log"
        with log.open("ab") as errors:
            offset = errors.tell()
            process = subprocess.Popen(
                [
                    *(*command, "run", *map(str, self.source(repository))),
                    *("--web-address", f"127.0.0.1:{port}", "--jitter", "0", *map(str, arguments)),
                ],
                env=self.environment(env),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        try:
            yield Controller(process, log, offset, port)
        finally:
            process.kill()
            process.wait()


def _event(line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise AssertionError(f"no line of the log: {line!r}") from error
    return event


@dataclass(frozen=True, slots=True)
class Controller:
    """A ``reconciler run`` under way.

    Attributes:
        log: what it and those before it printed.
        offset: where its own begins.
        web_port: of health, readiness and metrics.
    """

    process: "subprocess.Popen[bytes]"
    log: Path
    offset: int
    web_port: int

    @property
    def text(self) -> str:
        """Everything it printed so far."""
        with self.log.open("rb") as file:
            file.seek(self.offset)
            return file.read().decode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its log lines, every one of which must be a JSON object."""
        lines = self.text.split("\n")[:-1]  # the last is still being written
        return [_event(line) for line in lines]

    def decisions(self) -> list[dict[str, Any]]:
        """Its canonical lines, one per reconcile that was worth one."""
        return [event for event in self.events if event["event"] == "reconcile"]

    def await_decision(self, decision: str, revision: str = "") -> dict[str, Any]:
        """Wait for a reconcile of a commit that ended so, and return its line."""
        found: list[dict[str, Any]] = []

        def happened() -> bool:
            assert self.process.poll() is None, f"the controller ended: {self.text}"
            found[:] = [
                line
                for line in self.decisions()
                if line["decision"] == decision and line.get("revision", "").endswith(revision)
            ]
            return bool(found)

        try:
            eventually(happened, seconds=30)
        except AssertionError as error:
            raise AssertionError(f"no {decision} of {revision or 'any commit'} in:\n{self.text}") from error
        return found[-1]

    def ask(self, path: str) -> Reply | None:
        """What its web server answers, None if nothing does."""
        with suppress(OSError):
            return get(self.web_port, path)
        return None

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Send it a signal that ends it; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)
