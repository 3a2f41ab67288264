"""Reads objects of a clone through git's plumbing: everything split on NUL or counted in bytes, nothing guessed."""

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.sources.git.door import Door, GitFailure
from reconciler.sources.git.failures import is_disk_full


class Corrupt(Exception):
    """The clone does not hold what it must; it can be built anew."""


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """What an object is, without its content."""

    sha: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one bare repository.

    Every method raises ``Corrupt`` where git cannot read the repository, and ``GitFailure`` where git took
    too long or the disk is full.
    """

    door: Door
    git_dir: Path
    timeout_s: float

    def output(self, *arguments: str, feed: bytes = b"") -> bytes:
        """What a git command on this repository prints."""
        with _corruption():
            return self.door.run(f"--git-dir={self.git_dir}", *arguments, timeout_s=self.timeout_s, feed=feed)

    @contextlib.contextmanager
    def stream(self, *arguments: str, feed: bytes = b"") -> Generator[Iterator[bytes]]:
        """Like ``output``, in pieces."""
        command = (f"--git-dir={self.git_dir}", *arguments)
        with _corruption(), self.door.stream(*command, timeout_s=self.timeout_s, feed=feed) as chunks:
            yield chunks

    @contextlib.contextmanager
    def tokens(self, *arguments: str, feed: bytes = b"") -> Generator[Iterator[bytes]]:
        """Like ``output``, split on NUL while it arrives."""
        with self.stream(*arguments, feed=feed) as chunks:
            yield _split(chunks)

    def facts(self, names: Sequence[str]) -> list[ObjectFact | None]:
        """Type and size of each named object, None where there is none."""
        if not names:
            return []
        told = self.output("cat-file", "--batch-check", feed=_lines(names)).decode("utf-8", "replace")
        words = told.split()
        if words[1::3] == ["blob"] * len(names) and len(words) == 3 * len(names):
            return [*map(ObjectFact, words[::3], words[1::3], map(int, words[2::3]))]
        lines = told.splitlines()
        if len(lines) != len(names):
            raise Corrupt("git cat-file did not answer for every object")
        return [_fact(line) for line in lines]

    def small_contents(
        self, blobs: Sequence[str], max_bytes: int, commits: Sequence[str] = ()
    ) -> dict[str, bytes] | None:
        """Each commit and each blob with its content; None where a blob is larger, and then that is not read."""
        found: dict[str, bytes] = {}
        if not blobs and not commits:
            return found
        with self.stream("cat-file", "--batch", feed=_lines((*commits, *blobs))) as chunks:
            reader = _Reader(chunks)
            for sha in commits:
                found[sha] = reader.content(reader.size(sha, "commit"))
            for blob in blobs:
                size = reader.size(blob)
                if size > max_bytes:
                    return None
                found[blob] = reader.content(size)
        return found

    def contents(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Each blob with its content, one at a time, in order."""
        if not blobs:
            return
        with self.stream("cat-file", "--batch", feed=_lines(blobs)) as chunks:
            reader = _Reader(chunks)
            for blob in blobs:
                yield blob, reader.content(reader.size(blob))

    def commits(self, shas: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Each commit as git has it, one at a time, in order."""
        if not shas:
            return
        with self.stream("cat-file", "--batch", feed=_lines(shas)) as chunks:
            reader = _Reader(chunks)
            for sha in shas:
                yield sha, reader.content(reader.size(sha, "commit"))

    def commit(self, name: str) -> str | None:
        """The commit a name leads to; None where it leads to none."""
        try:
            fact = self.facts((f"{name}^{{commit}}",))[0]
        except Corrupt:
            return None
        return fact.sha if fact and fact.type == "commit" else None

    def check(self, ref: str) -> None:
        """Whether everything the ref needs is here.

        Raises:
            Corrupt: it is not.
        """
        if self.commit(ref) is None:
            raise Corrupt(f"{ref} cannot be read")
        self.output("fsck", "--connectivity-only", "--no-dangling", "--no-progress", ref)


class _Reader:
    """Lines and counted bytes out of pieces. What has been taken is dropped once per piece, not once per take."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()
        self._at = 0

    def size(self, name: str, kind: str = "blob") -> int:
        while (end := self._held.find(b"\n", self._at)) < 0:
            self._more()
        line = self._held[self._at : end].decode("utf-8", "replace")
        self._at = end + 1
        fact = _fact(line)
        if fact is None or fact.type != kind:
            raise Corrupt(f"{kind} {name} is missing")
        return fact.size

    def content(self, size: int) -> bytes:
        while len(self._held) - self._at <= size:  # a newline follows
            self._more()
        content = bytes(self._held[self._at : self._at + size])
        self._at += size + 1
        return content

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise Corrupt("git cat-file ended early")
        del self._held[: self._at]
        self._at = 0
        self._held += chunk


@contextlib.contextmanager
def _corruption() -> Generator[None]:
    try:
        yield
    except GitFailure as failure:
        if failure.timed_out or is_disk_full(failure):
            raise
        raise Corrupt(failure.stderr) from failure


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\0")
        pieces.append(first)
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces = [others[-1]]
    if rest := b"".join(pieces):
        yield rest


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _fact(line: str) -> ObjectFact | None:
    match line.split(" "):
        case [sha, kind, size] if size.isdigit():
            return ObjectFact(sha, kind, int(size))
        case _:
            return None
