"""Gives an export out, to a file or to standard output, and keeps count of what was given."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from reconciler.cli.show import progress
from reconciler.model.errors import Stalled
from reconciler.model.retention import Erased

Write = Callable[[bytes], None]
_SECONDS = 1.0  # between words on what takes a while


@dataclass(slots=True)
class Given:
    """What was given out.

    Attributes:
        what: what ``many`` counts: entries or records.
        erased: what retention deleted of the time that is asked for.
        whole: nothing was left out, as it is where who reads it has seen enough.
    """

    what: str
    quiet: bool
    many: int = 0
    size: int = 0
    whole: bool = False
    erased: Erased | None = None
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _told: float = field(default_factory=time.monotonic)

    @property
    def digest(self) -> str:
        """Of all bytes."""
        return f"sha256:{self._hash.hexdigest()}"

    def count(self) -> None:
        """Another one is about to be given; says how far it is where that takes long."""
        self.many += 1
        if not self.quiet and time.monotonic() - self._told > _SECONDS:
            self._told = time.monotonic()
            progress(f"{self.many} {self.what}, {self.size / 1e6:.1f} MB")

    def give(self, pieces: Iterator[bytes], write: Write) -> None:
        """All of it; one of `to_file` or `to_output` writes."""
        for piece in pieces:
            write(piece)
            self._hash.update(piece)
            self.size += len(piece)
        self.whole = True


@contextmanager
def destination(to: Path | None) -> Iterator[Write]:
    """Writes to a file, which is there when all of it is written and not before; None for standard output.

    Raises:
        Stalled: the file can't be written.
    """
    if to is None:
        stream = sys.stdout.buffer
        yield _writing(stream)
        stream.flush()
        return
    if to.exists() and not to.is_file():  # a device or a pipe: nothing to put in its place
        with _explained(to), to.open("wb") as pipe:
            yield _writing(pipe)
        return
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with _explained(to):
            with part.open("xb") as file:
                yield _writing(file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(to)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _writing(stream: BinaryIO) -> Write:
    def write(content: bytes) -> None:
        stream.write(content)

    return write


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Check permissions and space, or give another file with --to."
        raise Stalled("ExportNotWritten", f"{path} can't be written: {error.strerror}", hint) from error
