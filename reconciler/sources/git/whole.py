"""The snapshot of a commit, read from beginning to end: the first one, and where the short way is not open."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.limits import Limits
from reconciler.model.source import Commit, Revision, SourceDelta, SourceFile, SourceSnapshot
from reconciler.sources.git.attribution import Attributions
from reconciler.sources.git.commits import read_commits
from reconciler.sources.git.documents import BlobDigests, attribute_documents
from reconciler.sources.git.objects import Objects
from reconciler.sources.git.reading import Inputs, read_inputs
from reconciler.sources.git.standing import Standing
from reconciler.sources.git.tree import Refused


def read_whole(
    before: Standing | None,
    revision: Revision,
    objects: Objects,
    sub_path: str,
    limits: Limits,
    known: Attributions,
    digests: BlobDigests,
    boundary: frozenset[str],
) -> Standing:
    """Every file of a commit that is in the clone.

    Args:
        before: what was read last; what is the same is taken from there.
        revision: the commit.
        objects: the clone.
        sub_path: normalised; empty for the root.
        limits: on all files and each.
        known: attributions of an earlier commit.
        digests: of the documents in blobs.
        boundary: where the shallow clone ends.

    Raises:
        Stalled: ``GitPathNotFound``, ``TooManyFiles``, ``SourceTooLarge``.
        Corrupt: the clone is broken.
    """
    old = before.snapshot if before else None
    held = {file.blob: file.content for file in old.files} if old else {}
    inputs = read_inputs(objects, revision.sha, sub_path, limits, held)
    attributions = attribute_documents(objects, revision.sha, sub_path, inputs.files, known, digests)
    shas = {sha for file in attributions.files.values() for _, sha in file.documents}
    commits = read_commits(objects, shas | {revision.sha}, boundary)
    snapshot = SourceSnapshot(
        revision=revision,
        commit=commits[revision.sha],
        files=_files(inputs, attributions, commits, old),
        unreadable=tuple(refused.path for refused in inputs.refused),
        problems=tuple(refused.problem for refused in inputs.refused),
    )
    refused = {one.name: one for one in inputs.refused}
    delta = _delta(before, snapshot, refused) if before else None
    snapshot = replace(snapshot, delta=delta)
    return Standing(snapshot, attributions, refused, inputs.total_bytes, boundary)


def _files(
    inputs: Inputs, attributions: Attributions, commits: Mapping[str, Commit], old: SourceSnapshot | None
) -> tuple[SourceFile, ...]:
    """The files; those that are as they were are the same objects."""
    was = {file.path: file for file in old.files} if old else {}
    shared: dict[tuple[str, ...], tuple[Commit, ...]] = {}
    files = []
    for path, file in inputs.files.items():
        shas = tuple([sha for _, sha in attributions.files[path].documents])
        if (of_file := shared.get(shas)) is None:
            of_file = shared[shas] = tuple([commits[sha] for sha in shas])
        made = SourceFile(path, file.blob, file.content, of_file)
        earlier = was.get(path)
        files.append(earlier if earlier is not None and _same(earlier, made) else made)
    return tuple(files)


def _same(one: SourceFile, other: SourceFile) -> bool:
    return one.blob == other.blob and one.commits == other.commits


def _delta(before: Standing, after: SourceSnapshot, refused: Mapping[bytes, Refused]) -> SourceDelta | None:
    old = before.snapshot
    if old.revision is None:
        return None
    was, now = {file.path: file for file in old.files}, {file.path: file for file in after.files}
    names = before.refused.keys() | refused.keys()
    pairs = [(before.refused.get(name), refused.get(name)) for name in names]
    refusals = {one.path for pair in pairs if pair[0] != pair[1] for one in pair if one}
    differ = {path for path in was.keys() | now.keys() if was.get(path) is not now.get(path)}
    return SourceDelta(old.revision, tuple(sorted(differ | refusals)))
