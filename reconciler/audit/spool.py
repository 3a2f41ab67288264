"""What was done while the journal could not be written: in memory, and in a file beside it, both bounded."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.audit.proof.chain import encode
from reconciler.model.digest import Json

Missed = dict[str, Json]

_MOST = 1_000
_LARGEST = 1_048_576  # bytes


@dataclass(slots=True)
class Spool:
    """The list of what is still to be told. It never raises: a disk that is full for the journal is so for it, too.

    Attributes:
        file: None keeps it in memory only.
        found: what is told of, the oldest first; also what an earlier process left in the file.
        lost: how much more there was than is kept.
        on_disk: whether the file has all of it.
    """

    file: Path | None
    found: list[Missed] = field(default_factory=list)
    lost: int = 0
    on_disk: bool = True

    @classmethod
    def at(cls, file: Path | None) -> "Spool":
        """One that goes on with what is in the file; a line that was cut off is counted as lost."""
        spool = cls(file)
        with suppress(OSError):
            lines = file.read_bytes()[:_LARGEST].splitlines() if file else []
            for line in filter(None, lines):
                read = _parsed(line)
                if read is None or len(spool.found) >= _MOST:
                    spool.lost += 1
                else:
                    spool.found.append(read)
        return spool

    def __len__(self) -> int:
        return len(self.found) + self.lost

    def add(self, missed: Missed) -> None:
        """One more."""
        if len(self.found) >= _MOST:
            self.lost += 1
            return
        self.found.append(missed)
        self.on_disk = self._append(missed) and self.on_disk

    def clear(self) -> None:
        """All of it was told."""
        self.found, self.lost, self.on_disk = [], 0, True
        with suppress(OSError):
            if self.file is not None:
                self.file.unlink(missing_ok=True)

    def _append(self, missed: Missed) -> bool:
        if self.file is None:
            return False
        try:
            # For its owner only, as the journal is; never through a link that somebody has put there.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            descriptor = os.open(self.file, flags, 0o600)
            try:
                if os.fstat(descriptor).st_size > _LARGEST:
                    return False
                # A line that an earlier write left unfinished ends here.
                os.write(descriptor, b"\n" + encode(missed) + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return True


def _parsed(line: bytes) -> Missed | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
