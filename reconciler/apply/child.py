"""Child processes that end with us."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from reconciler.model.errors import Stalled

# Runs Envoy as a child that the kernel ends with us, however we end: prctl(PR_SET_PDEATHSIG) outlives an exec.
# A launcher, not preexec_fn: code between fork and exec may deadlock in a process that has threads.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def launched(command: Sequence[str]) -> tuple[str, ...]:
    """The command that runs ``command`` and has the kernel end it when the thread that starts it ends (Linux)."""
    if sys.platform != "linux":
        return tuple(command)
    return (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command)


def spawn(command: Sequence[str], *, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """A child in a group of its own, so that a wrapper script's children end with it.

    It sees no environment but ``PATH``: configuration can print variables, and ours may hold secrets.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - the binary is the operator's choice, the rest is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
        )
    except OSError as error:
        raise Stalled(
            "EnvoyNotFound", f"can't run {command[0]}: {error.strerror}", "check the envoy setting"
        ) from error


def end_group(child: subprocess.Popen[bytes], grace_s: float = 0.0) -> None:
    """Ends a child and its group unless it has ended; SIGTERM first if there is grace."""
    if child.poll() is not None:
        return
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        if grace_s > 0:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(grace_s)
            return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
