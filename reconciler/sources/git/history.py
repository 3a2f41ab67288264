"""The history of a sub-path, newest first: which files each commit changed, against each of its parents."""

from collections.abc import Generator, Iterator, Sequence
from itertools import islice

from reconciler.sources.git.attribution import ParentDiff, Step
from reconciler.sources.git.objects import Corrupt, Objects
from reconciler.sources.git.tree import REGULAR_MODES

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
            before[_path(next(tokens, b""))] = _blob_before(token)
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
    befores = iter(_diffs(objects, pairs, sub_path))
    return tuple(
        Step(step.sha, tuple(ParentDiff(diff.parent, next(befores)) for diff in step.parents))
        if len(step.parents) > 1
        else step
        for step in chunk
    )


def _diffs(objects: Objects, pairs: Sequence[tuple[str, str]], sub_path: str) -> list[dict[str, str]]:
    """For each commit and parent: changed paths and their blobs in the parent."""
    # "COMMIT PARENT" has diff-tree pretend that this is the only parent; --always announces empty differences too.
    feed = "".join(f"{commit} {parent}\n" for commit, parent in pairs).encode()
    arguments = ("diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--no-abbrev", "--no-renames")
    found: list[dict[str, str]] = []
    with objects.tokens(*arguments, "--", sub_path or ".", feed=feed) as tokens:
        for token in tokens:
            if token.startswith(b":"):
                found[-1][_path(next(tokens, b""))] = _blob_before(token)
            elif token.strip():
                found.append({})
    if len(found) != len(pairs):
        raise Corrupt("git diff-tree did not answer for every parent")
    return found


def _path(token: bytes) -> str:
    # Paths that are not UTF-8 are never input; they only need to be told apart.
    return token.decode("utf-8", "backslashreplace")


def _blob_before(token: bytes) -> str:
    """The blob before, from ``:100644 100644 <old> <new> M``; empty where there was no regular file."""
    words = token.decode("ascii", "replace").strip().split(" ")
    match words:
        case [mode, _, blob, _, _]:
            return blob if mode.removeprefix(":") in REGULAR_MODES else ""
        case _:
            raise Corrupt("git log printed something else than a change")
