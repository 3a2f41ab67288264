"""Which commit last changed each document of each file. No git here: steps of a history in, commits out.

A document, known by its digest, *comes from* a commit if the file holds it there and holds it in none of the
commit's parents. From the newest commit it is followed to the first parent that has it, and so on, until
there is none: a merge is named only where it made the change itself. A document that was removed and came
back comes from the commit that brought it back.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

BlobDigests: TypeAlias = Callable[[Collection[str]], Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class ParentDiff:
    """How a commit differs from one parent: each changed path with its blob in the parent, empty if none."""

    parent: str
    before: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One commit and its parents; none for a root."""

    sha: str
    parents: tuple[ParentDiff, ...]


@dataclass(frozen=True, slots=True)
class AttributedFile:
    """A file's blob and, for each document in order, its digest and the commit it comes from."""

    blob: str
    documents: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Attributions:
    """What is known at ``head``, the newest commit that changed anything below the sub-path."""

    head: str
    files: Mapping[str, AttributedFile]


NOTHING_ATTRIBUTED = Attributions("", {})


def attribute(
    steps: Iterable[tuple[Step, ...]],
    wanted: Mapping[str, Collection[str]],
    known: Attributions,
    blob_digests: BlobDigests,
) -> dict[tuple[str, str], str]:
    """Follow every wanted document back to the commit it comes from.

    Args:
        steps: the history from the newest commit on, children before parents, in chunks; read only as far
            as needed.
        wanted: paths and the digests of their documents in the newest commit.
        known: an earlier result; the walk ends where it reaches that commit, with the same outcome.
        blob_digests: the digests of the documents in each of some blobs.

    Returns:
        For each path and digest the commit. A pair is missing only if the history ended before it did.
    """
    walk: _Walk | None = None
    for part in _parts(steps, known.head):
        walk = walk or _Walk.begin(part[0].sha, wanted)
        if part[0].sha == known.head:
            walk.take_known(known)
        digests = blob_digests(walk.blobs_to_read(part))
        for step in part:
            walk.advance(step, digests)
        if not walk.pending:
            break
    return walk.found if walk else {}


def attribute_since(
    steps: tuple[Step, ...],
    base: str,
    wanted: Mapping[str, Collection[str]],
    known: Attributions,
    blob_digests: BlobDigests,
) -> dict[tuple[str, str], str] | None:
    """Like `attribute`, where nothing but the steps since a known commit is at hand.

    Args:
        steps: from the newest commit on, children before parents, without ``base`` and what is before it.
        base: the commit of which ``known`` tells.
        wanted: paths and the digests of their documents in the newest commit.
        known: of the files of ``base``, whichever of its ancestors changed them last.
        blob_digests: the digests of the documents in each of some blobs.

    Returns:
        None where a document leads to another commit than ``base``, of which nothing is known here.
    """
    walk = _Walk.begin(steps[0].sha, wanted)
    digests = blob_digests(walk.blobs_to_read(steps))
    for step in steps:
        walk.advance(step, digests)
    walk.take_known(Attributions(base, known.files))
    return None if walk.pending else walk.found


def _parts(steps: Iterable[tuple[Step, ...]], head: str) -> Iterator[tuple[Step, ...]]:
    """The chunks, cut before the known commit: beyond it no blob may have to be read."""
    for chunk in steps:
        cut = next((index for index, step in enumerate(chunk) if step.sha == head), 0)
        yield from filter(None, (chunk[:cut], chunk[cut:]))


_Pending: TypeAlias = dict[str, set[str]]


@dataclass(slots=True)
class _Walk:
    """Where each unresolved document has been followed to.

    Attributes:
        pending: by commit, the paths and digests that this commit holds and that may come from it.
        open_paths: how many digests of each path are unresolved, to know which blobs matter.
    """

    pending: dict[str, _Pending]
    open_paths: Counter[str]
    found: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def begin(cls, newest: str, wanted: Mapping[str, Collection[str]]) -> "_Walk":
        start = {path: set(digests) for path, digests in wanted.items() if digests}
        counts = Counter({path: len(digests) for path, digests in start.items()})
        return cls({newest: start} if start else {}, counts)

    def blobs_to_read(self, chunk: tuple[Step, ...]) -> set[str]:
        """Earlier blobs of files with unresolved documents."""
        diffs = (diff for step in chunk for diff in step.parents)
        return {blob for diff in diffs for path, blob in diff.before.items() if blob and self.open_paths[path] > 0}

    def advance(self, step: Step, digests: Mapping[str, frozenset[str]]) -> None:
        """Pass on what the parents hold; the rest comes from this commit."""
        carried = self.pending.pop(step.sha, None)
        if carried is None:
            return
        rest = carried
        for index, diff in enumerate(step.parents):
            rest = self._pass_first(diff, rest, digests) if index == 0 else self._pass_other(diff, rest, digests)
        for path, missing in rest.items():
            self._resolve(path, missing, step.sha)

    def take_known(self, known: Attributions) -> None:
        """Resolve what has been followed to the known commit and is known there."""
        left: _Pending = {}
        for path, digests in self.pending.pop(known.head, {}).items():
            file = known.files.get(path)
            commits = dict(file.documents) if file else {}
            for digest in digests:
                if digest in commits:
                    self._resolve(path, {digest}, commits[digest])
                else:
                    left.setdefault(path, set()).add(digest)
        if left:
            self.pending[known.head] = left

    def _pass_first(self, diff: ParentDiff, carried: _Pending, digests: Mapping[str, frozenset[str]]) -> _Pending:
        """Hand the whole load to the first parent but for what it lacks: the many unchanged files cost nothing."""
        rest: _Pending = {}
        for path, blob in diff.before.items():
            if path in carried and (missing := carried[path] - digests.get(blob, frozenset())):
                rest[path] = missing
                carried[path] -= missing
                if not carried[path]:
                    del carried[path]
        self._hand_to(diff.parent, carried)
        return rest

    def _pass_other(self, diff: ParentDiff, rest: _Pending, digests: Mapping[str, frozenset[str]]) -> _Pending:
        passed: _Pending = {}
        left: _Pending = {}
        for path, wanted in rest.items():
            blob = diff.before.get(path)  # None: the file is the same there, so it holds them all
            held = wanted if blob is None else wanted & digests.get(blob, frozenset())
            if held:
                passed[path] = held
            if wanted - held:
                left[path] = wanted - held
        self._hand_to(diff.parent, passed)
        return left

    def _hand_to(self, parent: str, load: _Pending) -> None:
        if not load:
            return
        waiting = self.pending.get(parent)
        if waiting is None:
            self.pending[parent] = load
            return
        large, small = (waiting, load) if len(waiting) >= len(load) else (load, waiting)
        for path, digests in small.items():
            large[path] = large.get(path, set()) | digests
        self.pending[parent] = large

    def _resolve(self, path: str, digests: set[str], sha: str) -> None:
        for digest in digests:
            self.found[path, digest] = sha
        self.open_paths[path] -= len(digests)
