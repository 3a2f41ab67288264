"""Changes of a document → characters of its text that are replaced; everything else stays as it is."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.migrate.changes import Change, Insert, Remove, Rename, Set
from reconciler.migrate.tree import Entry, Node, Shape, at
from reconciler.migrate.writing import written
from reconciler.resources.finding import Path, dotted

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*", re.MULTILINE)
_COMMENT_LINE = re.compile(r"[ \t]*#[^\r\n]*(?:\r\n|\r|\n)")


class Unwritable(Exception):
    """A change that cannot be made without touching what it should not; the words are for the user."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The characters from ``start`` up to ``end`` become ``text``."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made.

    Raises:
        Unwritable: two of them touch the same characters.
    """
    parts: list[str] = []
    position = 0
    for edit in sorted(edits):
        if edit.start < position:
            raise Unwritable("several changes meet in one place")
        parts += text[position : edit.start], edit.text
        position = edit.end
    return "".join((*parts, text[position:]))


def edits_of(text: str, root: Node, changes: Sequence[Change]) -> list[Edit]:
    """What the changes mean to the text.

    Raises:
        Unwritable: see there.
    """
    edits: list[Edit] = []
    removed: dict[Path, list[str]] = {}
    for change in changes:
        match change:
            case Set():
                edits.append(_set(text, root, change))
            case Rename():
                entry = _entry(root, change.path)
                name = written(change.name, as_json=entry.key.style == '"', style=entry.key.style)
                edits.append(Edit(entry.key.start, entry.key.end, name))
            case Insert():
                edits.append(_insert(text, root, change))
            case Remove():
                removed.setdefault(change.path[:-1], []).append(str(change.path[-1]))
    for path, names in removed.items():
        edits += _remove(text, _node(root, path), frozenset(names))
    return edits


def _node(root: Node, path: Path) -> Node:
    node = at(root, path)
    if node is None:
        raise Unwritable(f"{dotted(path)} comes through an alias")
    return node


def _entry(root: Node, path: Path) -> Entry:
    entry = _node(root, path[:-1]).entry(str(path[-1]))
    if entry is None:
        raise Unwritable(f"{dotted(path)} comes through an alias or a merge key")
    return entry


def _set(text: str, root: Node, change: Set) -> Edit:
    node = _node(root, change.path)
    if node.anchored:
        raise Unwritable(f"{dotted(change.path)} has an anchor, and what its aliases mean would change")
    parent = _node(root, change.path[:-1])
    as_json = _is_json(parent)
    value = written(change.value, as_json=as_json, style=node.style)
    if node.shape is Shape.SCALAR and node.start == node.end:
        value = f" {value}"  # nothing was written behind the colon
    item = isinstance(change.path[-1], int) and not parent.flow
    if item and isinstance(change.value, dict) and len(change.value) == 1:
        value = value[1:-1]  # ``- key: value`` needs no braces
    if node.shape in {Shape.MAPPING, Shape.SEQUENCE} and not node.flow:
        if _comments(text, node.start, node.end, node):
            raise Unwritable(f"the comments inside {dotted(change.path)} would be lost")
        start = len(text[: node.start].rstrip())  # onto the line of its key
        return Edit(start, node.end, f" {value}")
    return Edit(node.start, node.end, value)


def _is_json(mapping: Node) -> bool:
    return mapping.flow and bool(mapping.entries) and mapping.entries[0].key.style == '"'


def _insert(text: str, root: Node, change: Insert) -> Edit:
    parent, entry = _node(root, change.before[:-1]), _entry(root, change.before)
    as_json = _is_json(parent)
    line = f"{written(change.name, as_json=as_json)}: {written(change.value, as_json=as_json)}"
    start, first_of_line = entry.key.start, is_first_of_line(text, entry.key.start)
    indent = " " * column(text, start)
    if parent.flow:
        gap = f",{line_break(text)}{indent}" if first_of_line else ", "
        return Edit(start, start, line + gap)
    if first_of_line:
        start = above_comments(text, line_start(text, start))
        return Edit(start, start, f"{indent}{line}{line_break(text)}")
    return Edit(start, start, f"{line}{line_break(text)}{indent}")


def _remove(text: str, parent: Node, names: frozenset[str]) -> list[Edit]:
    kept = [entry for entry in parent.entries if entry.name not in names]
    if not kept:
        raise Unwritable("nothing would be left of a mapping")
    if names - {entry.name for entry in parent.entries}:
        raise Unwritable("a field comes through a merge key")
    edits: list[Edit] = []
    last_kept = kept[-1].key.start
    for entry in parent.entries:
        if entry.name not in names:
            continue
        if not parent.flow and is_first_of_line(text, entry.key.start):
            edits.append(_lines_of(text, entry))
            continue
        if entry.key.start < last_kept:
            start, end = entry.key.start, _next(parent, entry).key.start
        else:  # the last of all: with the comma before it
            start, end = _previous(parent, entry).value.end, entry.value.end
        if _comments(text, start, end, entry.value):
            raise Unwritable(f"the comment at {entry.name} would be lost")
        edits.append(Edit(start, end, ""))
    return edits


def _next(parent: Node, entry: Entry) -> Entry:
    return parent.entries[parent.entries.index(entry) + 1]


def _previous(parent: Node, entry: Entry) -> Entry:
    return parent.entries[parent.entries.index(entry) - 1]


def _lines_of(text: str, entry: Entry) -> Edit:
    """All lines of an entry go; their comments stay, each on a line of its own."""
    if entry.value.anchored:
        raise Unwritable(f"{entry.name} has an anchor that aliases may speak of")
    start, end = line_start(text, entry.key.start), line_end(text, entry.value.end)
    indent = " " * column(text, entry.key.start)
    comments = _comments(text, entry.key.end, end, entry.value)
    return Edit(start, end, "".join(f"{indent}{comment}{line_break(text)}" for comment in comments))


def _comments(text: str, start: int, end: int, node: Node) -> list[str]:
    """The comments of a stretch of text around a node; a ``#`` inside a scalar is none."""
    masked = text[start:end]
    for leaf in _leaves(node):
        masked = masked[: leaf.start - start] + "x" * (leaf.end - leaf.start) + masked[leaf.end - start :]
    return _COMMENT.findall(masked)


def _leaves(node: Node) -> Iterator[Node]:
    if node.shape in {Shape.SCALAR, Shape.ALIAS}:
        yield node
    for child in node.items:
        yield from _leaves(child)
    for entry in node.entries:
        yield from _leaves(entry.key)
        yield from _leaves(entry.value)


def line_start(text: str, position: int) -> int:
    """Where the line of a position starts."""
    return max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1


def line_end(text: str, position: int) -> int:
    """Where the line after that of a position starts, or the text ends."""
    found = re.compile(r"\r\n|\r|\n").search(text, position)
    return found.end() if found else len(text)


def column(text: str, position: int) -> int:
    """Characters before a position on its line."""
    return position - line_start(text, position)


def is_first_of_line(text: str, position: int) -> bool:
    """Whether nothing but white space stands before a position on its line."""
    return not text[line_start(text, position) : position].strip()


def above_comments(text: str, start: int) -> int:
    """Where the comment lines directly above a line start; that line itself, if there are none."""
    while start:
        above = line_start(text, start - (2 if text[start - 2 : start] == "\r\n" else 1))
        if not _COMMENT_LINE.fullmatch(text[above:start]):
            break
        start = above
    return start


def line_break(text: str) -> str:
    """How the lines of a text end."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found else "\n"
