"""On what a benchmark ran: numbers of two machines can't be compared, ratios sometimes can."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.command import PROJECT
from tests.support.envoys import envoy_path


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that matter.

    Attributes:
        load: processes that wanted a CPU on average in the minute before, so 0 on a quiet machine.
        commit: of this project.
    """

    processor: str
    cpus: int
    memory_gb: float
    kernel: str
    python: str
    envoy: str
    load: float
    commit: str
    at: str


def this_machine() -> Machine:
    """The one this runs on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cpus=len(os.sched_getaffinity(0)),
        memory_gb=round(pages / 1024**3, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        envoy=_printed(str(envoy_path()), "--version").partition("version: ")[2].split("/")[1],
        load=round(os.getloadavg()[0], 2),
        commit=_printed("git", "-C", str(PROJECT), "describe", "--always", "--dirty"),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _printed(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
