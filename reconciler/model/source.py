"""What comes in: files at one revision, and the commits behind them."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from reconciler.model.problem import Problem
from reconciler.model.provenance import ObjectTouch, is_cluster_path

_PATH = attrgetter("path")
_CLUSTER = "cluster@sha256:"


class Realm(StrEnum):
    """Where a document stands: in the repository (or a plain directory), or in an object of the cluster."""

    GIT = "git"
    CLUSTER = "cluster"


def realm_of(path: str) -> Realm:
    """The realm of a path of `SourceFile`."""
    return Realm.CLUSTER if is_cluster_path(path) else Realm.GIT


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """Author or committer, as the commit names them."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Signature(StrEnum):
    """Of which kind a commit's signature is, by its own words: nobody has checked it."""

    NONE = "none"
    GPG = "gpg"
    SSH = "ssh"
    X509 = "x509"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Commit:
    """The facts of one commit; times are aware, UTC.

    Attributes:
        oldest_known: history ends here because the clone is shallow, so what is attributed to this commit may be older.
        merge_request: what the message says it merges, as GitLab writes it: ``group/project!12``; empty for nothing.
        signature: ``UNKNOWN`` where nobody looked; it is looked for in the commits of a new revision only.
        paths: of the files it changed; of a merge, those that are as in none of its parents. None where there are very
            many, or nobody looked, as is done for the commits of a range only.
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
    merge_request: str = field(default="", compare=False)
    signature: Signature = field(default=Signature.UNKNOWN, compare=False)
    paths: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def short(self) -> str:
        """The first seven digits, for people."""
        return self.sha[:7]


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A named pointer and the commit it stood at: ``main@sha1:<40 hex>`` (Flux RFC-0005).

    Where a cluster is read too, ``+cluster@sha256:<hex>`` follows, or stands alone.

    Attributes:
        cluster: hex digest of all that was read there; empty where none is.
    """

    pointer: str
    sha: str
    cluster: str = ""

    def __str__(self) -> str:
        parts = (f"{self.pointer}@sha1:{self.sha}" if self.sha else "", _CLUSTER + self.cluster if self.cluster else "")
        return "+".join(filter(None, parts))

    @property
    def commit(self) -> "Revision | None":
        """The repository's part alone; None where there is none."""
        return Revision(self.pointer, self.sha) if self.sha else None

    @classmethod
    def parse(cls, text: str) -> "Revision":
        """Read ``pointer@sha1:<hex>``, ``cluster@sha256:<hex>``, or both with a ``+`` between them.

        Raises:
            ValueError: the text is not of that form.
        """
        commit, marker, cluster = text.partition(f"+{_CLUSTER}")
        if text.startswith(_CLUSTER) and len(text) > len(_CLUSTER):
            return cls("", "", text.removeprefix(_CLUSTER))
        pointer, at, sha = commit.rpartition("@sha1:")
        if not at or not pointer or not sha or (marker and not cluster):
            raise ValueError(f"not a revision: {text!r}; expected NAME@sha1:HEX")
        return cls(pointer, sha, cluster)


class ObjectOp(StrEnum):
    """What became of an object of the cluster."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object of the cluster that differs from when it was last looked at; ``touch`` is the last that is known."""

    path: str
    op: ObjectOp
    touch: ObjectTouch


@dataclass(frozen=True, slots=True)
class ClusterObject:
    """The object of the cluster that a file stands for.

    Attributes:
        annotated: the content is that of its annotation, where namespace and labels are inherited; otherwise the
            content is documents that stand by themselves.
    """

    namespace: str
    touch: ObjectTouch
    labels: tuple[tuple[str, str], ...] = ()
    annotated: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One input file, or an object of the cluster as one.

    ``commits`` has one entry per YAML document of the file, in order: the commit that last changed
    that document. It is empty where there is no history (a plain directory).

    Attributes:
        path: in the repository, or of the object (`object_path`).
        blob: names the content, and all of ``object`` besides.
        object: None for a file.
    """

    path: str
    blob: str
    content: bytes
    commits: tuple[Commit, ...] = ()
    object: ClusterObject | None = None


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
        commits_omitted: how many more there are.
        fast_forward: False when ``previous`` is not an ancestor; None when there was no previous one.
        delta: what differs from the snapshot that the source gave before, where it knows that without looking at all.
        objects: what differs in the cluster from the revision before ``previous``; capped.
        dark: realms that can't be read now, and never were since the start: what is served from there stays served.
    """

    revision: Revision | None
    commit: Commit | None
    files: tuple[SourceFile, ...]
    unreadable: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    commits_in_range: tuple[Commit, ...] = ()
    fast_forward: bool | None = None
    delta: SourceDelta | None = field(default=None, compare=False)
    objects: tuple[ObjectChange, ...] = ()
    dark: frozenset[Realm] = frozenset()
    commits_omitted: int = 0

    def file(self, path: str) -> SourceFile | None:
        """The file of a path, found without looking at all of them."""
        at = bisect_left(self.files, path, key=_PATH)
        return self.files[at] if at < len(self.files) and self.files[at].path == path else None
