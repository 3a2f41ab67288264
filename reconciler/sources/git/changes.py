"""What git says of one changed path, and of many commits against their parents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.sources.git.objects import Corrupt, Objects
from reconciler.sources.git.tree import REGULAR_MODES

_GONE = "000000"


@dataclass(frozen=True, slots=True)
class Change:
    """One path in a commit and in a parent of it.

    Attributes:
        before: the blob in the parent; empty where there was no regular file.
        mode: in the commit, as git writes it.
        sha: of what is in the commit.
    """

    before: str
    mode: str
    sha: str

    @property
    def gone(self) -> bool:
        """Whether nothing is there in the commit."""
        return self.mode == _GONE


# By path, in bytes as the trees hold it, from the root of the repository.
Changes: TypeAlias = Mapping[bytes, Change]


def change_of(token: bytes) -> Change:
    """Reads ``:100644 100644 <old> <new> M``.

    Raises:
        Corrupt: it is something else.
    """
    match token.decode("ascii", "replace").strip().split(" "):
        case [before, mode, old, new, _]:
            return Change(old if before.removeprefix(":") in REGULAR_MODES else "", mode, new)
        case _:
            raise Corrupt("git printed something else than a change")


def befores(changes: Changes) -> dict[str, str]:
    """The blob before of each path. Paths that are not UTF-8 are never input; they only need to be told apart."""
    return {path.decode("utf-8", "backslashreplace"): change.before for path, change in changes.items()}


def differences(objects: Objects, pairs: Sequence[tuple[str, str]], sub_path: str) -> list[Changes]:
    """For each commit and parent what changed below the sub-path.

    Raises:
        Corrupt: the clone is broken.
    """
    if not pairs:
        return []
    # "COMMIT PARENT" has diff-tree pretend that this is the only parent; --always announces empty differences too.
    feed = "".join(f"{commit} {parent}\n" for commit, parent in pairs).encode()
    arguments = ("diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--no-abbrev", "--no-renames")
    found: list[dict[bytes, Change]] = []
    with objects.tokens(*arguments, "--ignore-submodules=none", "--", sub_path or ".", feed=feed) as tokens:
        for token in tokens:
            if token.startswith(b":"):
                found[-1][next(tokens, b"")] = change_of(token)
            elif token.strip():
                found.append({})
    if len(found) != len(pairs):
        raise Corrupt("git diff-tree did not answer for every parent")
    return list(found)
