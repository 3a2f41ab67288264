"""Many requests at once, with wrk: random routes of a table, on connections that stay open.

https://github.com/wg/wrk
"""

import json
import random
import shutil
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import tables
from tests.bench.envoys import pin
from tests.bench.repositories import Table

CONNECTIONS = 16
_SCRIPT = Path(__file__).with_name("load.lua")
_MOST_ROUTES = 20_000  # enough that none is asked for often; more only make wrk start later


@dataclass(frozen=True, slots=True)
class Report:
    """What wrk saw.

    Attributes:
        refused: answers with a status of 400 or more.
        broken: connections that could not be made, read, written, or that timed out.
        p50_ms, p99_ms: of the times to an answer.
    """

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float

    @property
    def failed(self) -> int:
        """Requests that did not end well."""
        return self.refused + self.broken


def write_requests(table: Table, path: Path, leave_out: Iterable[int] = ()) -> None:
    """Requests for as many Mappings as are worth it, chosen at random but always the same.

    Args:
        table: whose.
        path: the file to write.
        leave_out: Mappings that are not asked for.
    """
    numbers = sorted(set(range(table.mappings)) - set(leave_out))
    chosen = random.Random(table.mappings).sample(numbers, min(len(numbers), _MOST_ROUTES))
    path.write_text("".join(_line(table, number) for number in chosen))


def _line(table: Table, number: int) -> str:
    document = table.document(number)
    rest = "v1/" if "prefix_regex" in document else ""
    (host,) = (line.split()[1] for line in document.splitlines() if line.strip().startswith("hostname:"))
    return f"{host}\t{tables.prefix(number)}{rest}x\n"


class Load:
    """A running wrk.

    Args:
        port: on loopback.
        requests: the file from `write_requests`.
        seconds: how long; whole ones.
        seed: of the random choice.
        cpu: which one to stay on; None for any.
    """

    def __init__(self, port: int, requests: Path, seconds: int, seed: int, cpu: int | None = None) -> None:
        wrk = shutil.which("wrk")
        assert wrk, "make system installs wrk"
        size = f"-c{CONNECTIONS}"
        arguments = ["-t1", size, f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}"]
        self._child = subprocess.Popen([wrk, *arguments, "--", str(requests), str(seed)], stdout=subprocess.PIPE)
        if cpu is not None:
            pin(self._child.pid, cpu)

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self._child.poll() is not None

    def end(self) -> None:
        """Ask no more; the report counts up to now."""
        self._child.send_signal(signal.SIGINT)

    def report(self) -> Report:
        """Wait for the end."""
        out, _ = self._child.communicate()
        assert self._child.returncode == 0, f"wrk ended with {self._child.returncode}"
        return Report(**json.loads(out.decode().splitlines()[-1]))
