"""What comes in: files at one revision, and the commits behind them."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from reconciler.model.problem import Problem

_PATH = attrgetter("path")


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """Author or committer, as the commit names them."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Commit:
    """The facts of one commit; times are aware, UTC.

    ``oldest_known``: history ends here because the clone is shallow, so what is attributed to this commit
    may be older.
    """

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    authored_at: datetime
    committer: Person
    committed_at: datetime
    subject: str
    trailers: tuple[tuple[str, str], ...] = ()
    oldest_known: bool = False

    @property
    def short(self) -> str:
        """The first seven digits, for people."""
        return self.sha[:7]


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A named pointer and the commit it stood at: ``main@sha1:<40 hex>`` (Flux RFC-0005)."""

    pointer: str
    sha: str

    def __str__(self) -> str:
        return f"{self.pointer}@sha1:{self.sha}"

    @classmethod
    def parse(cls, text: str) -> "Revision":
        """Read ``pointer@sha1:<hex>``.

        Raises:
            ValueError: the text is not of that form.
        """
        pointer, marker, sha = text.rpartition("@sha1:")
        if not marker or not pointer or not sha:
            raise ValueError(f"not a revision: {text!r}; expected NAME@sha1:HEX")
        return cls(pointer, sha)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One input file.

    ``commits`` has one entry per YAML document of the file, in order: the commit that last changed
    that document. It is empty where there is no history (a plain directory).
    """

    path: str
    blob: str
    content: bytes
    commits: tuple[Commit, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDelta:
    """What differs from an earlier snapshot of the same source.

    Attributes:
        since: the revision of the earlier snapshot.
        paths: of files that came, went, or differ in content or commits, or in whether they can be read; sorted.
    """

    since: Revision
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceSnapshot:
    """All input files at one revision, sorted by path.

    Attributes:
        revision: None for a plain directory.
        commit: the commit of the revision, None for a plain directory.
        files: what could be read, sorted by path.
        unreadable: paths that exist but were refused (too large, not a regular file); what was served
            from them stays served.
        problems: why those were refused.
        commits_in_range: commits after ``previous`` up to this revision, newest first; capped.
        fast_forward: False when ``previous`` is not an ancestor; None when there was no previous one.
        delta: what differs from the snapshot that the source gave before, where it knows that without looking at all.
    """

    revision: Revision | None
    commit: Commit | None
    files: tuple[SourceFile, ...]
    unreadable: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    commits_in_range: tuple[Commit, ...] = ()
    fast_forward: bool | None = None
    delta: SourceDelta | None = field(default=None, compare=False)

    def file(self, path: str) -> SourceFile | None:
        """The file of a path, found without looking at all of them."""
        at = bisect_left(self.files, path, key=_PATH)
        return self.files[at] if at < len(self.files) and self.files[at].path == path else None
