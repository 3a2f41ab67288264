"""A folder of Mapping files, read as it is on disk; no link is ever followed below it."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.decision import Trigger
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import Stalled, Transient
from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.problem import Problem
from reconciler.model.source import Revision, SourceFile, SourceSnapshot
from reconciler.model.text import printable
from reconciler.sources.files import Tally, bad_name, is_input, not_regular, too_large

MAX_FOLDER_DEPTH = 64

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must not wait for its writer; O_NOFOLLOW: a link swapped in after listing fails.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Vanished(Exception):
    """A name that was listed is gone, or is a link now."""


@dataclass(slots=True)
class _Collected:
    tally: Tally
    files: list[SourceFile] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: str, problem: Problem) -> None:
        self.unreadable.append(printable(path))
        self.problems.append(problem)


class DirectorySource:
    """Reads a folder, or a single file, each time it is asked.

    Paths are relative to the folder (for a single file: its name); there is no revision and no history,
    and ``blob`` is the digest of the content.
    """

    def __init__(self, path: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self._path = path
        self._limits = limits

    @property
    def describe(self) -> str:
        """The path as given."""
        return printable(str(self._path))

    def fetch(
        self,
        previous: Revision | None,  # noqa: ARG002 - a folder has no history to relate to
        trigger: Trigger = Trigger.NEW_REVISION,  # noqa: ARG002 - and all of it is read each time
    ) -> SourceSnapshot:
        """All input files on disk now.

        Raises:
            Stalled: ``PathNotFound``, ``PathUnreadable``, ``TooManyFiles``, ``SourceTooLarge``, ``FoldersTooDeep``.
            Transient: ``SourceReadFailed``.
        """
        collected = _Collected(Tally(self._limits))
        try:
            if self._path.is_dir():
                self._read_folder(collected)
            else:
                self._read_single(collected)
        except OSError as error:
            raise self._failed(error) from error
        return SourceSnapshot(
            revision=None,
            commit=None,
            files=tuple(sorted(collected.files, key=lambda file: file.path)),
            unreadable=tuple(sorted(collected.unreadable)),
            problems=tuple(sorted(collected.problems, key=lambda problem: problem.provenance.path)),
        )

    def close(self) -> None:
        """Nothing is held between fetches."""

    def _read_folder(self, collected: _Collected) -> None:
        # The root is the user's own word, so it may be a link; nothing below it may.
        root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder, name, path in _walk(root, "", 0):
                self._collect(folder, name, path, collected)
        finally:
            os.close(root)

    def _read_single(self, collected: _Collected) -> None:
        parent = os.open(self._path.resolve(strict=True).parent, _FOLDER_FLAGS)
        try:
            self._collect(parent, self._path.resolve().name, self._path.name, collected)
        finally:
            os.close(parent)

    def _collect(self, folder: int, name: str, path: str, collected: _Collected) -> None:
        collected.tally.count_file()
        if not path.isprintable():  # undecodable bytes arrive as lone surrogates, which are not printable either
            collected.refuse(path, bad_name(path, "characters that are not printable UTF-8"))
            return
        mode = os.lstat(name, dir_fd=folder).st_mode
        if not stat.S_ISREG(mode):
            collected.refuse(path, not_regular(path, _kind(mode)))
            return
        try:
            content, size = _read(folder, name, self._limits.max_file_bytes)
        except _Vanished:
            collected.refuse(path, not_regular(path, "a file that changed while it was read"))
            return
        if content is None:
            collected.refuse(path, too_large(path, size, self._limits))
            return
        collected.tally.count_bytes(len(content))
        collected.files.append(SourceFile(path, digest_bytes(content), content))

    def _failed(self, error: OSError) -> Stalled | Transient:
        match error.errno:
            case errno.ENOENT | errno.ENOTDIR:
                return Stalled("PathNotFound", f"{self.describe}: no such file or folder", "check the path")
            case errno.EACCES | errno.EPERM:
                return Stalled(
                    "PathUnreadable", f"{self.describe}: permission denied", "make it readable for this user"
                )
            case _:
                return Transient("SourceReadFailed", f"{self.describe}: cannot be read: {error.strerror}")


def _walk(folder: int, prefix: str, depth: int) -> Iterator[tuple[int, str, str]]:
    """Every entry with the name of an input file: its open folder, its name there, and its whole path."""
    if depth > MAX_FOLDER_DEPTH:
        raise Stalled("FoldersTooDeep", f"folders are nested deeper than {MAX_FOLDER_DEPTH}", "flatten them")
    below: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    below.append(entry.name)
            elif is_input(path):
                yield folder, entry.name, path
    for name in below:
        child = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
        try:
            yield from _walk(child, f"{prefix}{name}/", depth + 1)
        finally:
            os.close(child)


def _read(folder: int, name: str, max_bytes: int) -> tuple[bytes | None, int]:
    """The content of a regular file and its size; content is None where it is larger than ``max_bytes``."""
    try:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOENT, errno.ENXIO}:
            raise _Vanished from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise _Vanished
        if facts.st_size > max_bytes:
            return None, facts.st_size
        content = file.read(max_bytes + 1)  # it may have grown since
        return (content, len(content)) if len(content) <= max_bytes else (None, len(content))


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a device or socket"
