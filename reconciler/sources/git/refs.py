"""From what is wanted to a commit, by asking the remote which refs it has."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.errors import Stalled
from reconciler.sources.git.semver import SemverRange
from reconciler.sources.git.settings import Ref, RefKind

PINNED = "commit"  # the pointer of a revision that no branch or tag points out

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"
_PEELED = "^{}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The commit to have.

    Attributes:
        pointer: the branch or tag, as a revision names it.
        source: what to ask the remote for: a full ref name, or the commit.
        sha: where it stood when asked. Something else than a commit is found out after fetching.
    """

    pointer: str
    source: str
    sha: str


def patterns(ref: Ref) -> tuple[str, ...]:
    """Which refs to have the remote list."""
    match ref.kind:
        case RefKind.BRANCH:
            return (_HEADS + ref.value,)
        case RefKind.TAG:
            return (_TAGS + ref.value, _TAGS + ref.value + _PEELED)
        case _:
            return (_TAGS + "*",)


def parse_listing(listing: bytes) -> dict[str, str]:
    """Ref names and what they point at, from ``git ls-remote``; tags point at their commit."""
    refs: dict[str, str] = {}
    for line in listing.decode("utf-8", "replace").splitlines():
        sha, tab, name = line.partition("\t")
        if tab:
            refs[name] = sha
    # An annotated tag is listed twice: as itself, and peeled. The peeled one is the commit.
    peeled = {name.removesuffix(_PEELED): sha for name, sha in refs.items() if name.endswith(_PEELED)}
    return {name: sha for name, sha in (refs | peeled).items() if not name.endswith(_PEELED)}


def choose(ref: Ref, refs: Mapping[str, str], described: str) -> Wanted:
    """The wanted commit among the refs of the remote.

    Raises:
        Stalled: ``GitRefNotFound``.
    """
    match ref.kind:
        case RefKind.COMMIT:
            return Wanted(PINNED, ref.value, ref.value)
        case RefKind.BRANCH | RefKind.TAG:
            # git matches the end of a name too (refs/heads/x/refs/heads/main), so only the exact one counts.
            name = (_HEADS if ref.kind is RefKind.BRANCH else _TAGS) + ref.value
            pointer = ref.value
        case RefKind.SEMVER:
            accepted = SemverRange.parse(ref.value)
            tags = {name.removeprefix(_TAGS): sha for name, sha in refs.items() if name.startswith(_TAGS)}
            pointer = (accepted.best(tags) if accepted else None) or ""
            name = _TAGS + pointer
    if name not in refs:
        raise Stalled(
            "GitRefNotFound",
            f"{described}: no {ref.kind} {ref.value} there, or the repository is empty",
            "push it, or correct the ref",
        )
    return Wanted(pointer, name, refs[name])
