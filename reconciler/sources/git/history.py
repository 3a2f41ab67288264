"""The history of a sub-path, newest first: which files each commit changed, against each of its parents."""

from collections.abc import Generator, Iterator
from itertools import islice

from reconciler.sources.git.attribution import ParentDiff, Step
from reconciler.sources.git.changes import befores, change_of, differences
from reconciler.sources.git.objects import Objects

_MARK = b"\x01"
_LARGEST_CHUNK = 512


def history(objects: Objects, commit: str, sub_path: str) -> Generator[tuple[Step, ...]]:
    """Steps in chunks that grow, so that a caller who needs only the newest pays for little.

    Git's own simplification applies: commits that leave the sub-path alone are skipped and parents are
    rewritten past them, and of a merge that equals a parent only the first such parent is followed
    (git-log(1), "History Simplification", default mode). Children always precede their parents.

    Raises:
        Corrupt: the clone is broken.
    """
    arguments = ("log", "-z", "--raw", "--no-abbrev", "--no-renames", "--topo-order", "--parents", "--format=%x01%H %P")
    with objects.tokens(*arguments, commit, "--", sub_path or ".") as tokens:
        records = _records(tokens)
        size = 1
        while chunk := tuple(islice(records, size)):
            yield _with_merges(objects, chunk, sub_path)
            size = min(size * 4, _LARGEST_CHUNK)


def _records(tokens: Iterator[bytes]) -> Iterator[Step]:
    """Commits as ``git log --raw`` prints them: merges come without their changes."""
    header: list[str] | None = None
    before: dict[str, str] = {}
    for token in tokens:
        if token.startswith(_MARK):
            if header is not None:
                yield _step(header, before)
            header, before = token[1:].decode("ascii", "replace").split(), {}
        elif token.strip():
            before |= befores({next(tokens, b""): change_of(token)})
    if header is not None:
        yield _step(header, before)


def _step(header: list[str], before: dict[str, str]) -> Step:
    sha, *parents = header
    if len(parents) > 1:
        return Step(sha, tuple(ParentDiff(parent, {}) for parent in parents))
    return Step(sha, tuple(ParentDiff(parent, before) for parent in parents))


def _with_merges(objects: Objects, chunk: tuple[Step, ...], sub_path: str) -> tuple[Step, ...]:
    """The chunk with the changes of its merges, against each parent."""
    pairs = [(step.sha, diff.parent) for step in chunk if len(step.parents) > 1 for diff in step.parents]
    if not pairs:
        return chunk
    changes = iter(differences(objects, pairs, sub_path))
    return tuple(
        Step(step.sha, tuple(ParentDiff(diff.parent, befores(next(changes))) for diff in step.parents))
        if len(step.parents) > 1
        else step
        for step in chunk
    )
