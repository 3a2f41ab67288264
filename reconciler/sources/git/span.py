"""The commits between one that has been read and the one that is wanted: facts, and what each of them changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.source import Commit
from reconciler.sources.git.attribution import ParentDiff, Step
from reconciler.sources.git.changes import Change, Changes, befores, change_of, differences
from reconciler.sources.git.commits import MARKED_FORMAT, marked
from reconciler.sources.git.objects import Objects

_MAX_COMMITS = 2_000

_Links: TypeAlias = tuple[tuple[str, Changes], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """What lies between two commits of which the newer one has come of the older one.

    The *line* leads from the newer commit to the older one the way ``history`` goes with what no commit changed: to
    the first parent, or of a merge to the first parent that it equals.

    Attributes:
        commits: all of them by id, newest first, the older one not among them.
        steps: the same as `attribution` wants them.
        changes: every path that changed along the line, as it is in the newer commit.
        head: the newest commit of the line that changed anything; empty if none did.
        straight: no merge is among them.
        paths: which each of them changed; none for merges.
    """

    commits: Mapping[str, Commit]
    steps: tuple[Step, ...]
    changes: Changes
    head: str
    straight: bool
    paths: Mapping[str, tuple[bytes, ...]]


def span_between(objects: Objects, old: str, new: str, sub_path: str, boundary: frozenset[str]) -> Span | None:
    """What lies between; None where the way back does not lead to ``old``, or is too long to be worth it.

    Raises:
        Corrupt: a commit is not there.
    """
    # Every commit, and none simplified away: parents are as they are, so that the way back can be told.
    every = ("--topo-order", "--full-history", "--sparse", f"--max-count={_MAX_COMMITS + 1}")
    raw = ("-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none")
    with objects.tokens("log", *raw, *every, MARKED_FORMAT, new, f"^{old}", "--", sub_path or ".") as tokens:
        records = [
            (commit, {path: change_of(how) for how, path in changed}) for commit, changed in marked(tokens, boundary)
        ]
    if not records or len(records) > _MAX_COMMITS:
        return None
    pairs = [(commit.sha, parent) for commit, _ in records if len(commit.parents) > 1 for parent in commit.parents]
    of_merges = iter(differences(objects, pairs, sub_path))
    links: dict[str, _Links] = {}
    for commit, changes in records:
        if len(commit.parents) > 1:
            links[commit.sha] = _simplified(tuple((parent, next(of_merges)) for parent in commit.parents))
        else:
            links[commit.sha] = tuple((parent, changes) for parent in commit.parents)
    paths = {commit.sha: tuple(changes) for commit, changes in records}
    return _follow(old, new, {commit.sha: commit for commit, _ in records}, links, paths)


def _simplified(links: _Links) -> _Links:
    """The parents of a merge as ``git log`` follows them: only the first that it equals, if it equals one."""
    same = [link for link in links if not link[1]]
    return (same[0],) if same else links


def _follow(
    old: str,
    new: str,
    commits: Mapping[str, Commit],
    links: Mapping[str, _Links],
    paths: Mapping[str, tuple[bytes, ...]],
) -> Span | None:
    at, head, changed = new, "", dict[bytes, Change]()
    while at != old:
        if not links.get(at):
            return None
        parent, changes = links[at][0]
        if changes:
            head = head or at
        for path, change in changes.items():
            changed.setdefault(path, change)
        at = parent
    steps = tuple(Step(sha, tuple(ParentDiff(p, befores(c)) for p, c in ways)) for sha, ways in links.items())
    straight = all(len(commit.parents) <= 1 for commit in commits.values())
    return Span(commits, steps, changed, head, straight, paths)
