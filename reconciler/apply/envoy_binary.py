"""A real Envoy on this machine: find it, let it check a configuration, run it.

https://www.envoyproxy.io/docs/envoy/latest/operations/cli
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from reconciler.apply.child import end_group, spawn
from reconciler.apply.envoy_process import COMMON_OPTIONS, EnvoyProcess
from reconciler.apply.envoy_words import MAX_REASON, reason
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import FilesFormat

__all__ = ["MAX_REASON", "VALIDATE_TIMEOUT_S", "EnvoyProcess", "find_envoy", "validate"]

VALIDATE_TIMEOUT_S = 60.0


def find_envoy(setting: str) -> Path | None:
    """The Envoy to use, None if there is none.

    Args:
        setting: ``auto`` and ``always`` look beside this Python, then on ``PATH``; ``off`` is none; else a path.

    Raises:
        Stalled: the path is given and nothing executable is there, or there must be one and is none.
    """
    if setting == "off":
        return None
    if setting in ("auto", "always"):
        found = shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")
        if not found and setting == "always":
            raise Stalled("EnvoyNotFound", "no Envoy beside this Python or on PATH", "install one, or give its path")
        return Path(found) if found else None
    path = Path(setting)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise Stalled(
            "EnvoyNotFound",
            f"no executable Envoy at {setting}",
            "give the path of an Envoy binary, auto to search for one, or off to go without the check",
        )
    return path


def validate(
    binary: Path,
    bootstrap: bytes,
    *,
    form: FilesFormat = FilesFormat.JSON,
    timeout_s: float = VALIDATE_TIMEOUT_S,
) -> str | None:
    """Asks a real Envoy (``--mode validate``) whether it would start with a configuration.

    Args:
        binary: from `find_envoy`.
        bootstrap: the whole configuration, routes inline: what RDS delivers is never read by this check.
        form: how ``bootstrap`` is written; binary is the fastest.
        timeout_s: seconds it may take.

    Returns:
        None if Envoy accepts it, else its reason: one line, at most ``MAX_REASON`` characters.

    Raises:
        Stalled: the binary can't be run.
        Transient: it took too long, was killed, or the temporary file can't be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="reconciler-check-") as directory:
            path = Path(directory, f"bootstrap.{form}")
            path.write_bytes(bootstrap)
            return _check(binary, path, timeout_s)
    except OSError as error:
        raise Transient("EnvoyCheckFailed", f"can't prepare the Envoy check: {error.strerror}") from error


def _check(binary: Path, bootstrap: Path, timeout_s: float) -> str | None:
    command = (str(binary), "--mode", "validate", *COMMON_OPTIONS, "--log-level", "error", "-c", str(bootstrap))
    with spawn(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        try:
            _, output = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise Transient("EnvoyCheckTimedOut", f"the Envoy check took more than {timeout_s:g} s") from None
        finally:
            end_group(child)
    if child.returncode == 0:
        return None
    if child.returncode < 0:
        raise Transient("EnvoyCheckFailed", f"the Envoy check was ended by {signal.Signals(-child.returncode).name}")
    text = output.decode(errors="replace")
    return reason(text) or f"Envoy exited with status {child.returncode} and no words"
