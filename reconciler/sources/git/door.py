"""The only door to GitPython: runs one git command, streams what it prints, and leaves nothing running.

GitPython's README warns about long-running processes: ``Repo`` objects keep ``cat-file`` processes and memory
maps. So only ``Git.execute`` is used, each command in a process group of its own that is gone, with its pipes,
when the call returns.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.errors import Stalled
from reconciler.sources.git.environment import to_unset

_CHUNK = 65_536
_MAX_STDERR = 8_192
_MAX_OUTPUT = 64 * 1024 * 1024
_GRACE_S = 2.0


class GitFailure(Exception):
    """A git command that did not end well; its text may hold secrets and is not for people.

    Attributes:
        command: the git verb, e.g. ``fetch``.
        status: exit status, negative for a signal.
        stderr: the last of what git said.
        timed_out: it was ended because it took too long.
    """

    def __init__(self, command: str, status: int, stderr: str, *, timed_out: bool = False) -> None:
        super().__init__(f"git {command} failed with status {status}")
        self.command = command
        self.status = status
        self.stderr = stderr
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Door:
    """Runs git with a fixed environment in a fixed folder, which must exist.

    Attributes:
        environment: overrides what this process inherited; see ``environment.git_environment``.
    """

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, timeout_s: float, feed: bytes = b"") -> bytes:
        """What the command prints.

        Args:
            arguments: the verb and its arguments, preceded by ``--git-dir`` where one is used.
            timeout_s: seconds git may keep us waiting.
            feed: its standard input.

        Raises:
            GitFailure: it failed, took too long, or printed more than 64 MiB.
            Stalled: ``GitMissing``.
        """
        output = bytearray()
        with self.stream(*arguments, timeout_s=timeout_s, feed=feed) as chunks:
            for chunk in chunks:
                output += chunk
                if len(output) > _MAX_OUTPUT:
                    raise GitFailure(_verb(arguments), 0, f"printed more than {_MAX_OUTPUT} bytes")
        return bytes(output)

    @contextlib.contextmanager
    def stream(self, *arguments: str, timeout_s: float, feed: bytes = b"") -> Generator[Iterator[bytes]]:
        """Like ``run``, with the output in pieces; leaving early ends the command without an error."""
        process = self._start(arguments, feed)
        chunks = _read(process, timeout_s, _verb(arguments))
        try:
            yield chunks
        finally:
            chunks.close()
            _finish(process)

    def _start(self, arguments: Sequence[str], feed: bytes) -> "subprocess.Popen[bytes]":
        # Imported on first use: GitPython runs `git version` on import and fails where git is not installed,
        # which must not keep anybody from reading a plain folder.
        try:
            from git import Git  # noqa: PLC0415
            from git.exc import GitCommandNotFound  # noqa: PLC0415
        except ImportError as error:
            raise _missing() from error
        # GitPython starts from this process's environment and can only add to it; env(1) takes away.
        unset = [word for name in to_unset(os.environ, self.environment) for word in ("-u", name)]
        command = [*(["env", *unset] if unset else []), "git", *arguments]
        with tempfile.TemporaryFile() as stdin:
            stdin.write(feed)
            stdin.seek(0)
            try:
                started = Git(str(self.folder)).execute(
                    command, istream=stdin, as_process=True, env=self.environment, start_new_session=True
                )
            except GitCommandNotFound as error:
                raise _missing() from error
        process = started.proc
        if process is None:
            raise GitFailure(_verb(arguments), 0, "was not started")
        started.proc = None  # ours to end: GitPython would end the leader only, and not its children
        return process


def _read(process: "subprocess.Popen[bytes]", timeout_s: float, verb: str) -> Generator[bytes]:
    """Pieces of standard output until the end; standard error is read beside it, so that neither can block."""
    left = timeout_s
    errors = bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            asked = time.monotonic()
            ready = selector.select(max(0.0, left))
            left -= time.monotonic() - asked  # only waiting counts, not what the caller does in between
            if not ready:
                raise GitFailure(verb, 0, _text(errors), timed_out=True)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    yield chunk
                else:
                    errors += chunk
                    del errors[:-_MAX_STDERR]
    if not _exited(process, max(_GRACE_S, left)):
        raise GitFailure(verb, 0, _text(errors), timed_out=True)
    _finish(process)
    if process.returncode:
        raise GitFailure(verb, process.returncode, _text(errors))


def _finish(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group and close the pipes; git is first asked, so that it removes its temporary files."""
    try:
        if process.returncode is None:
            # The leader is reaped last: until then its group id cannot come to mean other processes.
            if not _exited(process, 0):
                _signal(process, signal.SIGTERM)
                _exited(process, _GRACE_S)
            _signal(process, signal.SIGKILL)
            process.wait()
            _reap_adopted(process.pid)
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _reap_adopted(group: int) -> None:
    """Reap what git left behind, where that falls to us: as the first process of a container we adopt orphans."""
    end = time.monotonic() + _GRACE_S
    with contextlib.suppress(ChildProcessError):  # there is none left
        while time.monotonic() < end:
            if os.waitpid(-group, os.WNOHANG) == (0, 0):
                time.sleep(0.001)


def _exited(process: "subprocess.Popen[bytes]", within_s: float) -> bool:
    """Whether the leader has ended, without reaping it."""
    end = time.monotonic() + within_s
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= end:
            return False
        time.sleep(0.001)
    return True


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _verb(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "git")


def _text(errors: bytes | bytearray) -> str:
    return errors.decode("utf-8", "replace")


def _missing() -> Stalled:
    return Stalled("GitMissing", "git is not installed", "install git 2.34 or later and have it on PATH")
