"""The state directory: journal, clone and caches, held by one controller at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.model.errors import Stalled


@contextmanager
def locked(state: Path) -> Iterator[Path]:
    """The state directory, ours alone until left. The kernel lets go of the lock however the process ends.

    Raises:
        Stalled: ``StateInUse`` by another process, or ``StateNotWritable``.
    """
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "choose another directory with --state"
        raise Stalled("StateNotWritable", f"{state}: {error.strerror}", hint) from error
    try:
        _lock(handle, state)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield state
    finally:
        os.close(handle)


def _lock(handle: int, state: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(handle, 20).decode(errors="replace").strip()
        who = f"process {holder}" if holder else "another process"
        hint = "stop it, or give this one a directory of its own with --state"
        raise Stalled("StateInUse", f"{state} is in use by {who}", hint) from error
