"""Which files a commit holds below the sub-path, by name and kind; nothing is read yet."""

import re
from dataclasses import dataclass

from reconciler.model.errors import Stalled
from reconciler.model.problem import Problem
from reconciler.model.text import printable
from reconciler.sources.files import INPUT_SUFFIXES, ROUTE_TEST_SUFFIXES, Tally, bad_name, is_input, not_regular
from reconciler.sources.git.objects import Corrupt, Objects

REGULAR_MODES = frozenset({"100644", "100755", "100664"})  # the last is from the first days of git

_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True, slots=True)
class Refused:
    """An input file by its name that is not read: its printable path, and its path as the tree has it."""

    path: str
    problem: Problem
    name: bytes = b""


@dataclass(frozen=True, slots=True)
class Listing:
    """Input files of a commit: path to blob id, and those that are refused."""

    blobs: dict[str, str]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    sha: str
    path: bytes


def list_inputs(objects: Objects, commit: str, sub_path: str, tally: Tally) -> Listing:
    """Every input file below ``sub_path``, which may also name one file.

    Args:
        objects: the clone.
        commit: full id.
        sub_path: normalised; empty for the root.
        tally: counts them, so that a tree of a million names ends early.

    Raises:
        Stalled: ``GitPathNotFound``, ``TooManyFiles``.
        Corrupt: the clone is broken.
    """
    if sub_path:
        root = _entry_at(objects, commit, sub_path)
        if root.mode in REGULAR_MODES:
            tally.count_file()
            return Listing({sub_path: root.sha}, ())
        tree, prefix = root.sha, f"{sub_path}/"
    else:
        tree, prefix = f"{commit}^{{tree}}", ""
    blobs: dict[str, str] = {}
    refused: list[Refused] = []
    with objects.tokens("ls-tree", "-r", "-z", tree) as tokens:
        for token in tokens:
            entry = _entry(token)
            found = classify(entry.path, entry.mode, prefix)
            if found is None:
                continue
            tally.count_file()
            if isinstance(found, Refused):
                refused.append(found)
            else:
                blobs[found] = entry.sha
    return Listing(blobs, tuple(refused))


def classify(name: bytes, mode: str, prefix: str) -> str | Refused | None:
    """What an entry is: an input file by its path, one that is refused, or nothing of ours.

    Args:
        name: below the prefix, as the tree has it.
        mode: as git writes it.
        prefix: of the sub-path, with a slash at its end; empty for the root.
    """
    if not name.endswith(_SUFFIXES):
        return None
    if mode in REGULAR_MODES and _PLAIN.fullmatch(name) and not name.endswith(_TEST_SUFFIXES):
        return prefix + name.decode("ascii")  # what nearly all are: nothing below could find fault with it
    problem = _problem(name, mode, prefix)
    if problem is not None:
        return Refused(printable(prefix + name.decode("utf-8", "backslashreplace")), problem, prefix.encode() + name)
    path = name.decode()
    return prefix + path if is_input(path) else None


_SUFFIXES = tuple(suffix.encode() for suffix in INPUT_SUFFIXES)
_TEST_SUFFIXES = tuple(suffix.encode() for suffix in ROUTE_TEST_SUFFIXES)
_PLAIN = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")  # no component begins with a dot


def _entry_at(objects: Objects, commit: str, sub_path: str) -> _Entry:
    # The tree is asked, not a file system: a link on the way is not followed, the path is just not there.
    with objects.tokens("ls-tree", "-z", "--full-tree", commit, "--", sub_path) as tokens:
        entries = [_entry(token) for token in tokens]
    if len(entries) != 1 or entries[0].mode not in REGULAR_MODES | {"040000"}:
        kind = _KINDS.get(entries[0].mode, "something else") if entries else "nothing"
        raise Stalled(
            "GitPathNotFound",
            f"commit {commit[:7]} has no folder {sub_path}: there is {kind}",
            "correct the sub-path, or commit the folder",
        )
    return entries[0]


def _entry(token: bytes) -> _Entry:
    facts, tab, path = token.partition(b"\t")
    match facts.decode("ascii", "replace").split(" "):
        case [mode, _, sha] if tab:
            return _Entry(mode, sha, path)
        case _:
            raise Corrupt("git ls-tree printed something else than an entry")


def _problem(name: bytes, mode: str, prefix: str) -> Problem | None:
    """Why an entry with the name of an input file is not one; hidden ones are simply no input."""
    path = prefix + name.decode("utf-8", "backslashreplace")
    try:
        relative = name.decode("utf-8")
    except UnicodeDecodeError:
        return bad_name(path, "bytes that are not UTF-8")
    # A tree can be crafted to hold names that no work tree can.
    if any(part in {"", ".", ".."} or part.lower() == ".git" for part in relative.split("/")):
        return bad_name(path, "a component that leads elsewhere")
    if not is_input(relative):
        return None
    if not relative.isprintable():
        return bad_name(path, "characters that are not printable")
    if mode not in REGULAR_MODES:
        return not_regular(path, _KINDS.get(mode, f"mode {mode}"))
    return None
