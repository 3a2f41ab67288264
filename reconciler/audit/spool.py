"""What was done while the journal could not be written: in memory, and in a file beside it, both bounded.

The file begins with a head of fixed size that is written in place: it counts all there was, whatever of it is kept.
After it comes a line for each that is kept.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.audit.proof.chain import encode
from reconciler.model.digest import Digest, Json

Missed = dict[str, Json]

_MOST = 1_000
_LARGEST = 1_048_576  # bytes
_HEAD = 512  # bytes
_ASIDE = ".unreadable"
_GAP_BYTES = 8


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what was missed, in order.

    Attributes:
        through: how many there are up to the end of this part.
        missed: how many it stands for.
        kept: those of them that are known; of the others there is nothing but their number.
    """

    through: int
    missed: int
    kept: list[Missed]


@dataclass(slots=True)
class Spool:
    """What is still to be told. It never raises: a disk that is full for the journal is so for it, too.

    Attributes:
        file: None keeps it in memory only.
        gap: tells this gap from all others; empty where there is none.
        missed: how much was not recorded, told or not.
        told: how much of that was told.
        kept: what is known of it, the oldest first; also what an earlier process left in the file.
        ours: digests of what targets may hold that we applied and did not record.
        unreadable: why the file can't be read, so that nobody knows how much there was.
        on_disk: whether the file has all of it.
    """

    file: Path | None
    gap: str = ""
    missed: int = 0
    told: int = 0
    kept: list[Missed] = field(default_factory=list)
    ours: tuple[Digest, ...] = ()
    unreadable: str = ""
    on_disk: bool = True

    @classmethod
    def at(cls, file: Path | None) -> "Spool":
        """One that goes on with what is in the file; a line that was cut off is counted all the same."""
        spool = cls(file)
        try:
            content = file.read_bytes() if file and file.stat().st_size <= 2 * _LARGEST else b""
            if file and not content and file.stat().st_size:
                spool.unreadable = "it is larger than it can be"
        except FileNotFoundError:
            return spool
        except OSError as error:
            spool.unreadable = error.strerror or type(error).__name__
            return spool
        spool._take(content)
        return spool

    def __len__(self) -> int:
        return self.missed - self.told + bool(self.unreadable)

    def add(self, missed: Missed, ours: tuple[Digest, ...] | None = None) -> None:
        """One more; ``ours``: what targets may hold from now on, where that is another thing than before."""
        self.gap = self.gap or secrets.token_hex(_GAP_BYTES)
        self.missed += 1
        self.ours = self.ours if ours is None else ours
        is_kept = len(self.kept) < _MOST
        if is_kept:
            self.kept.append(missed)
        self.on_disk = self._write(missed if is_kept else None) and self.on_disk

    def part(self, most: int) -> Part:
        """The next of what is still to be told, so many at most; what is not known goes with the last that is."""
        kept = self.kept[self.told : self.told + most]
        through = self.told + len(kept)
        through = self.missed if through >= len(self.kept) else through
        return Part(through, through - self.told, kept)

    def tell(self, through: int) -> None:
        """So many were told."""
        self.told = min(max(through, self.told), self.missed)
        self._write()
        if self.told == self.missed:
            self._empty()

    def recorded(self) -> None:
        """What targets hold is in the journal."""
        if self.ours:
            self.ours = ()
            self._write()
            if self.told == self.missed:
                self._empty()

    def set_aside(self) -> None:
        """That the file can't be read was told: it stays for people to look at, under another name."""
        self.unreadable = ""
        with suppress(OSError):
            if self.file is not None:
                self.file.replace(self.file.with_name(self.file.name + _ASIDE))

    def _take(self, content: bytes) -> None:
        head = _parsed(content[:_HEAD])
        is_head = head is not None and isinstance(head.get("gap"), str)
        lines = [line for line in content[_HEAD if is_head else 0 :].splitlines() if line]
        self.kept = [read for read in map(_parsed, lines) if read is not None][:_MOST]
        self.missed = len(lines)
        if head is not None and is_head:
            self.gap = str(head["gap"])
            # A line that is there without being counted was the last one.
            self.missed = max(self.missed, _number(head.get("missed")))
            self.told = min(self.missed, _number(head.get("told")))
            ours = head.get("ours")
            self.ours = tuple(Digest(str(one)) for one in ours) if isinstance(ours, list) else ()
        self.gap = self.gap or (secrets.token_hex(_GAP_BYTES) if self.missed else "")

    def _empty(self) -> None:
        """Nothing is left to be told; first without what was, so that a crash in between tells nothing again."""
        with suppress(OSError):
            if self.file is not None:
                if self.ours:
                    os.truncate(self.file, _HEAD)
                else:
                    self.file.unlink(missing_ok=True)
        self.gap, self.missed, self.told, self.kept, self.on_disk = "", 0, 0, [], True
        if self.ours:
            self._write()

    def _write(self, more: Missed | None = None) -> bool:
        """Writes the head, and before it one more line."""
        if self.file is None:
            return False
        head: Json = {"gap": self.gap, "missed": self.missed, "told": self.told, "ours": list(self.ours)}
        try:
            # For its owner only, as the journal is; never through a link that somebody has put there.
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                size = max(os.fstat(descriptor).st_size, _HEAD)
                # A line that an earlier write left unfinished ends here.
                line = b"\n" + encode(more) + b"\n" if more is not None and size <= _LARGEST else b""
                # A disk that has no room for the line still takes a head that is there already.
                written = _written(descriptor, line, size)
                written = _written(descriptor, encode(head).ljust(_HEAD - 1) + b"\n", 0) and written
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return written


def _written(descriptor: int, content: bytes, at: int) -> bool:
    try:
        return os.pwrite(descriptor, content, at) == len(content)
    except OSError:
        return False


def _parsed(line: bytes) -> Missed | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _number(said: Json) -> int:
    return said if isinstance(said, int) else 0
