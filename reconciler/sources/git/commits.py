"""Facts of commits: who, when, what for. All of it is untrusted text and is cleaned on the way in."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.model.source import Commit, Person
from reconciler.sources.git.objects import Corrupt, Objects

MAX_COMMITS_IN_RANGE = 250

_MAX_PATHS = 1_000  # of one commit
_MAX_NAME = 200
_MAX_SUBJECT = 200
_MAX_TRAILERS = 50
_MAX_TRAILER = 500
_MAX_BODY = 4_096  # bytes of its end: there GitLab writes what it merges
# https://docs.gitlab.com/user/project/merge_requests/commit_templates/
_MERGE_REQUEST = re.compile(r"^See merge request (\S{1,200}!\d{1,9})$", re.MULTILINE)
# NUL is the one byte no commit can hold in these fields; the last one is all trailers, one per line.
_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%s", "%b", "%(trailers:only,unfold)")
_BODY = _FIELDS.index("%b")
_FORMAT = "--format=" + "%x00".join(_FIELDS)
MARK = b"\x01"
MARKED_FORMAT = "--format=%x01" + "%x00".join(_FIELDS)


def read_commits(objects: Objects, shas: Collection[str], boundary: frozenset[str]) -> dict[str, Commit]:
    """The facts of each commit.

    Args:
        objects: the clone.
        shas: full ids.
        boundary: commits at which a shallow clone ends; they are marked ``oldest_known``.

    Raises:
        Corrupt: one is not there.
    """
    if not shas:
        return {}
    feed = "".join(f"{sha}\n" for sha in sorted(shas)).encode()
    with objects.tokens("log", "-z", "--no-walk=unsorted", "--stdin", _FORMAT, feed=feed) as tokens:
        found = {commit.sha: commit for commit in _commits(tokens, boundary)}
    if found.keys() != set(shas):
        raise Corrupt("git log did not know every commit")
    return found


def read_range(objects: Objects, old: str, new: str, boundary: frozenset[str]) -> tuple[tuple[Commit, ...], int]:
    """Commits after ``old`` up to ``new`` with the paths they changed, and how many more there are.

    The newest come first, at most ``MAX_COMMITS_IN_RANGE``.
    """
    wanted = f"{old}..{new}"
    # A merge is told with what it changed itself (`-c`).
    how = ("-z", "--raw", "-c", "--no-renames", f"--max-count={MAX_COMMITS_IN_RANGE}", MARKED_FORMAT)
    with objects.tokens("log", *how, wanted, "--") as tokens:
        listed = marked(tokens, boundary)
        found = tuple(with_paths(commit, (path for _, path in changed)) for commit, changed in listed)
    if len(found) < MAX_COMMITS_IN_RANGE:
        return found, 0
    return found, int(objects.output("rev-list", "--count", wanted, "--")) - len(found)


def with_paths(commit: Commit, changed: Iterable[bytes]) -> Commit:
    """The commit with the paths that it changed, as git has them; what is no UTF-8 is no file that is read."""
    raw = tuple(changed)
    if len(raw) > _MAX_PATHS:
        return commit
    decoded = (path.decode("utf-8", "replace") for path in raw)
    return replace(commit, paths=tuple(path for path in decoded if "\ufffd" not in path))


def marked(tokens: Iterator[bytes], boundary: frozenset[str]) -> Iterator[tuple[Commit, list[tuple[bytes, bytes]]]]:
    """What ``git log -z --raw`` prints in `MARKED_FORMAT`: each commit, and how each path was changed.

    Raises:
        Corrupt: it printed something else.
    """
    token = next(tokens, None)
    while token is not None:
        if not token.startswith(MARK):
            raise Corrupt("git log printed something else than a commit")
        commit = take_commit(token.removeprefix(MARK), tokens, boundary)
        changed = []
        while (token := next(tokens, None)) is not None and not token.startswith(MARK):
            if token.strip():
                changed.append((token, next(tokens, b"")))
        yield commit, changed


def is_ancestor(objects: Objects, old: str, new: str) -> bool:
    """Whether ``new`` only adds to ``old``. Both must be there."""
    # The first commit of `old` that `new` does not have; nothing means that it has them all.
    return not objects.output("rev-list", "--max-count=1", old, f"^{new}", "--")


def _commits(tokens: Iterator[bytes], boundary: frozenset[str]) -> Iterator[Commit]:
    while (sha := next(tokens, b"")) != b"":
        yield take_commit(sha, tokens, boundary)


def take_commit(sha: bytes, tokens: Iterator[bytes], boundary: frozenset[str]) -> Commit:
    """The commit of which the first field has been read; the others are taken from the tokens."""
    fields = [sha, *(next(tokens, b"") for _ in _FIELDS[1:])]
    fields[_BODY] = fields[_BODY][-_MAX_BODY:]
    return _commit([field.decode("utf-8", "replace") for field in fields], boundary)


def _commit(fields: list[str], boundary: frozenset[str]) -> Commit:
    sha, tree, parents, author, author_email, authored, committer, committer_email, committed, *message = fields
    subject, body, trailers = message
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Person(_clean(author, _MAX_NAME), _clean(author_email, _MAX_NAME)),
        authored_at=_moment(authored),
        committer=Person(_clean(committer, _MAX_NAME), _clean(committer_email, _MAX_NAME)),
        committed_at=_moment(committed),
        subject=_clean(subject, _MAX_SUBJECT),
        trailers=tuple(_trailers(trailers)),
        oldest_known=sha in boundary,
        merge_request=_merge_request(body),
    )


def _merge_request(body: str) -> str:
    found = _MERGE_REQUEST.findall(body) if "See merge request " in body else []
    return _clean(found[-1], _MAX_NAME) if found else ""


def _trailers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n")[:_MAX_TRAILERS]:
        key, colon, value = line.partition(":")
        if colon:
            yield _clean(key, _MAX_NAME), _clean(value, _MAX_TRAILER)


def _moment(seconds: str) -> datetime:
    """A time in UTC; one that no calendar has, or none at all, is the epoch."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _clean(text: str, limit: int) -> str:
    """One line without control, formatting and invalid characters, at most ``limit`` characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[: limit * 4])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
