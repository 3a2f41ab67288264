"""What a process holds, as the kernel tells it: children, descriptors, memory."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_GONE_WITHIN_S = 10


def children() -> list[int]:
    """Ids of this process's children, zombies included."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += [int(word) for word in (task / "children").read_text().split()]
    return sorted(found)


def descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_kib() -> int:
    """Memory of this process that is in use, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Have this process adopt orphans among its descendants, as the first process of a container does."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def await_gone(words: str) -> None:
    """Wait until no other process has these words on its command line."""
    deadline = time.monotonic() + _GONE_WITHIN_S
    while found := commands_with(words):
        assert time.monotonic() < deadline, f"still running: {found}"
        time.sleep(0.01)


def commands_with(words: str) -> list[bytes]:
    """The command lines, of other processes, that hold these words."""
    lines: list[bytes] = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        if process.parent.name != str(os.getpid()):
            with suppress(OSError):
                lines.append(process.read_bytes())
    return [line for line in lines if words.encode() in line]
