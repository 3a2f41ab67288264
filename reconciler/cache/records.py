"""A file of records that grows by what is new and is written anew when most of it is old.

It begins with a line that names what the records depend on; each record follows as its length, a digest, and its
bytes. The digest is over the one before as well, so that a record tells that all before it are there and unchanged.
What a crash, a full disk or another program leaves behind it ends the reading there: the records before are good.
"""

import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

_FORMAT = b"reconciler-records-1"
_DIGEST_BYTES = 32
_HEAD = struct.Struct(f">?Q{_DIGEST_BYTES}s")  # written with the whole file or added, length, digest
_SLACK_BYTES = 65_536
_MAX_BYTES = 1 << 30


class RecordFile:
    """Records of one kind, in the order they were written. One process at a time may use a file.

    Args:
        path: the file; its folder must exist.
        circumstances: names what the records depend on; those of other circumstances are not read.
        max_bytes: a file that is larger is not read, and none larger is left.
    """

    def __init__(self, path: Path, circumstances: str, max_bytes: int = _MAX_BYTES) -> None:
        self._path = path
        self._first = _FORMAT + b" " + blake2b(circumstances.encode(), digest_size=_DIGEST_BYTES).hexdigest().encode()
        self._max_bytes = max_bytes
        self._base = self._end = 0  # where the records written at once end, and the last; 0: nothing is there
        self._chain = b""

    def read(self) -> list[bytes]:
        """All records that are whole, from the first on; none where the file is absent, foreign or of other times."""
        self._base, self._end = 0, 0
        try:
            if self._path.stat().st_size > self._max_bytes:
                return []
            held = self._path.read_bytes()
        except OSError:
            return []
        return list(self._records(held))

    def add(self, record: bytes) -> bool:
        """Write a record behind the others.

        Returns:
            Whether it was: no where there is nothing to go on from, or where `write` is due.

        Raises:
            OSError: the disk is full or broken.
        """
        framed, chain = _frame(record, self._chain, added=True)
        grown = self._end + len(framed)
        if not self._base or grown > 2 * self._base + _SLACK_BYTES or grown > self._max_bytes:
            return False
        try:
            with self._path.open("r+b") as file:
                if file.seek(0, os.SEEK_END) < self._end:
                    return False  # it was shortened by somebody else
                file.truncate(self._end)  # what a crash left behind the last whole record
                file.seek(self._end)
                file.write(framed)
        except FileNotFoundError:
            return False
        self._end, self._chain = grown, chain
        return True

    def write(self, records: Iterable[bytes]) -> None:
        """Replace the file by one with these records, all of it or nothing; by none where it would grow too large.

        Raises:
            OSError: the disk is full or broken; the file is as it was.
        """
        self._base = self._end = 0
        descriptor, temporary = tempfile.mkstemp(prefix=f"{self._path.name}-", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                end, chain = self._fill(file.write, records)
            if end > self._max_bytes:
                self._path.unlink(missing_ok=True)
                Path(temporary).unlink()
                return
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._base, self._end, self._chain = end, end, chain

    def _fill(self, write: Callable[[bytes], object], records: Iterable[bytes]) -> tuple[int, bytes]:
        line = self._first + b"\n"
        write(line)
        end, chain = len(line), self._first
        for record in records:
            framed, chain = _frame(record, chain, added=False)
            end += len(framed)
            if end > self._max_bytes:
                break
            write(framed)
        return end, chain

    def _records(self, held: bytes) -> Iterator[bytes]:
        line = self._first + b"\n"
        if not held.startswith(line):
            return
        at, self._chain = len(line), self._first
        self._base = self._end = at
        while len(held) - at >= _HEAD.size:
            added, size, digest = _HEAD.unpack_from(held, at)
            record = held[at + _HEAD.size : at + _HEAD.size + size]
            if len(record) != size or digest != _digest(record, self._chain):
                return
            at += _HEAD.size + size
            self._end, self._chain = at, digest
            self._base = self._base if added else at
            yield record


def _frame(record: bytes, chain: bytes, *, added: bool) -> tuple[bytes, bytes]:
    digest = _digest(record, chain)
    return _HEAD.pack(added, len(record), digest) + record, digest


def _digest(record: bytes, chain: bytes) -> bytes:
    return blake2b(record, digest_size=_DIGEST_BYTES, key=chain[:64]).digest()
