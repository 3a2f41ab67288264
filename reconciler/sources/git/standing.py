"""The snapshot of the next commit, made of the last one by what changed between them.

It is the snapshot that reading everything would give, at a cost that follows the change. Whatever is not plain to see
(a rewritten history, a limit that is met, a sub-path that is gone, a large file, a clone that became deeper) is left to
that reading: `advance` says None.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter

from reconciler.model.limits import Limits
from reconciler.model.source import Commit, Revision, SourceDelta, SourceFile, SourceSnapshot
from reconciler.sources.git.attribution import AttributedFile, Attributions, attribute_since
from reconciler.sources.git.changes import Changes
from reconciler.sources.git.commits import MAX_COMMITS_IN_RANGE, with_paths
from reconciler.sources.git.documents import BlobDigests
from reconciler.sources.git.objects import Objects
from reconciler.sources.git.reading import Input
from reconciler.sources.git.signatures import signature_of
from reconciler.sources.git.span import Span, span_between
from reconciler.sources.git.tree import Refused, classify

_FEW = 64  # so many are put into a sorted list one by one

_PATH = attrgetter("path")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held in memory of the commit that was read last. Contents are in the files of the snapshot only.

    Attributes:
        snapshot: as it was given.
        attributions: of its files.
        refused: by path as the tree has it.
        total_bytes: of its files.
        boundary: where the shallow clone ended.
        line: the commit it was made from and the commits since then, newest first, where none is a merge.
    """

    snapshot: SourceSnapshot
    attributions: Attributions
    refused: Mapping[bytes, Refused]
    total_bytes: int
    boundary: frozenset[str]
    line: tuple[str, tuple[Commit, ...]] | None = None


@dataclass(slots=True)
class _Touched:
    """What the paths that changed are now.

    Attributes:
        gone: of those that are none, as the tree has them.
        blobs: of those that are input now.
        refused: all that are refused now, also elsewhere.
        refusals: printable paths of those that are refused now or were before, and not for the same reason.
    """

    gone: list[bytes]
    blobs: dict[str, str]
    refused: dict[bytes, Refused]
    refusals: set[str] = field(default_factory=set)


def advance(
    standing: Standing,
    revision: Revision,
    objects: Objects,
    sub_path: str,
    limits: Limits,
    digests: BlobDigests,
    boundary: frozenset[str],
) -> Standing | None:
    """What stands at another commit; None where everything must be read.

    Args:
        standing: what stands now.
        revision: the other commit, which is in the clone.
        objects: the clone.
        sub_path: normalised; empty for the root.
        limits: on all files and each.
        digests: of the documents in blobs.
        boundary: where the shallow clone ends now.

    Raises:
        Corrupt: the clone is broken.
    """
    before = standing.snapshot
    if before.commit is None or before.revision is None or standing.boundary != boundary:
        return None
    if before.commit.sha == revision.sha:
        same = replace(before, revision=revision, delta=SourceDelta(before.revision, ()))
        return replace(standing, snapshot=same, line=None)
    span = span_between(objects, before.commit.sha, revision.sha, sub_path, boundary)
    touched = _touched(span.changes, standing, sub_path) if span else None
    if span is None or touched is None:
        return None
    read = _read(objects, touched.blobs, before, limits, span)
    if read is None:
        return None
    inputs, span = read
    files = _attributed(span, before.commit.sha, inputs, standing, digests)
    return None if files is None else _spliced(standing, revision, span, touched, files, sub_path, limits)


def _touched(changes: Changes, standing: Standing, sub_path: str) -> _Touched | None:
    """None where the sub-path itself is what changed."""
    prefix = f"{sub_path}/" if sub_path else ""
    touched = _Touched([], {}, dict(standing.refused))
    for raw, change in changes.items():
        if not raw.startswith(prefix.encode()):
            return None
        found = None if change.gone else classify(raw[len(prefix.encode()) :], change.mode, prefix)
        was = touched.refused.pop(raw, None)
        if isinstance(found, Refused):
            touched.refused[raw] = found
        if isinstance(found, str):
            touched.blobs[found] = change.sha
        else:
            touched.gone.append(raw)
        touched.refusals |= {one.path for one in (was, touched.refused.get(raw)) if one and was != found}
    return touched


def _read(
    objects: Objects, blobs: Mapping[str, str], before: SourceSnapshot, limits: Limits, span: Span
) -> tuple[dict[str, Input], Span] | None:
    """The content of the files that changed, and the span with signatures; None where a file is too large.

    By one command, since starting git is what takes long.
    """
    known = {file.blob: file.content for path in blobs if (file := before.file(path))}
    newest = [*span.commits][:MAX_COMMITS_IN_RANGE]
    unread = sorted(set(blobs.values()) - known.keys())
    contents = objects.small_contents(unread, limits.max_file_bytes, newest)
    if contents is None:
        return None
    signed = {sha: replace(span.commits[sha], signature=signature_of(contents[sha])) for sha in newest}
    contents |= known
    inputs = {path: Input(blob, contents[blob]) for path, blob in blobs.items()}
    return inputs, replace(span, commits={**span.commits, **signed})


def _attributed(
    span: Span, base: str, inputs: Mapping[str, Input], standing: Standing, digests: BlobDigests
) -> dict[str, tuple[AttributedFile, SourceFile]] | None:
    """The files that changed, with their documents; None where the span does not tell what commits those come from."""
    before, known = standing.snapshot, standing.attributions
    for path in inputs:
        if path in known.files:
            digests.remember(known.files[path])
    wanted = {path: digests.current(file) for path, file in inputs.items()}
    found = attribute_since(span.steps, base, wanted, known, digests.earlier)
    if found is None:
        return None
    files: dict[str, tuple[AttributedFile, SourceFile]] = {}
    for path, file in inputs.items():
        was = before.file(path)
        commits = {commit.sha: commit for commit in was.commits} if was else {}
        shas = [found[path, digest] for digest in wanted[path]]
        made = SourceFile(path, file.blob, file.content, tuple(span.commits.get(sha) or commits[sha] for sha in shas))
        same = was if was and (was.blob, was.commits) == (made.blob, made.commits) else made
        files[path] = AttributedFile(file.blob, tuple(zip(wanted[path], shas, strict=True))), same
    return files


def _spliced(
    standing: Standing,
    revision: Revision,
    span: Span,
    touched: _Touched,
    changed: Mapping[str, tuple[AttributedFile, SourceFile]],
    sub_path: str,
    limits: Limits,
) -> Standing | None:
    before = standing.snapshot
    put = {path: file for path, (_, file) in changed.items() if before.file(path) is not file}
    gone = [path for raw in touched.gone if (path := _path(raw)) and before.file(path)]
    files = _put(before.files, put, gone)
    size = standing.total_bytes + sum(len(file.content) for file in put.values())
    size -= sum(len(was.content) for path in (*put, *gone) if (was := before.file(path)))
    if len(files) + len(touched.refused) > limits.max_files or size > limits.max_total_bytes:
        return None
    if sub_path and not files and not touched.refused:
        return None  # perhaps the sub-path is not there any more
    refused = sorted(touched.refused.values(), key=lambda one: (one.path, one.name))
    snapshot = SourceSnapshot(
        revision,
        span.commits[revision.sha],
        files,
        tuple(one.path for one in refused),
        tuple(one.problem for one in refused),
        delta=SourceDelta(_revision(before), tuple(sorted({*put, *gone, *touched.refusals}))),
    )
    told = (with_paths(commit, span.paths[commit.sha]) for commit in span.commits.values())
    line = (_revision(before).sha, tuple(told)) if span.straight else None
    attributions = _attributions(
        standing.attributions, span.head, {path: one for path, (one, _) in changed.items()}, gone
    )
    return Standing(snapshot, attributions, touched.refused, size, standing.boundary, line)


def _attributions(
    known: Attributions, head: str, changed: Mapping[str, AttributedFile], gone: list[str]
) -> Attributions:
    if not changed and not gone:
        return replace(known, head=head or known.head)
    files = {**known.files, **changed}
    for path in gone:
        del files[path]
    return Attributions((head or known.head) if files else "", files)


def _path(raw: bytes) -> str:
    """A path that can be one of a file that is read; empty for others."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _revision(snapshot: SourceSnapshot) -> Revision:
    if snapshot.revision is None:
        raise AssertionError("a snapshot of a repository has a revision")
    return snapshot.revision


def _put(files: tuple[SourceFile, ...], changed: Mapping[str, SourceFile], gone: list[str]) -> tuple[SourceFile, ...]:
    """The sorted files with some put in or replaced, and some taken out."""
    if len(changed) + len(gone) > _FEW:
        by_path = {**{file.path: file for file in files}, **changed}
        for path in gone:
            by_path.pop(path, None)
        return tuple(sorted(by_path.values(), key=_PATH))
    listed = list(files)
    for path in (*changed, *gone):
        at = bisect_left(listed, path, key=_PATH)
        there = at < len(listed) and listed[at].path == path
        listed[at : at + there] = [changed[path]] if path in changed else []
    return tuple(listed)
