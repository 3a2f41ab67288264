"""The flat form → the Kubernetes form: the fields of a document move below ``metadata`` and ``spec``."""

import re
from dataclasses import dataclass
from itertools import pairwise

from reconciler.migrate.edits import (
    Edit,
    Unwritable,
    column,
    is_first_of_line,
    line_break,
    line_end,
)
from reconciler.migrate.tree import Node, Shape
from reconciler.migrate.writing import written
from reconciler.model.digest import Json

_HEAD = frozenset({"apiVersion", "kind"})
_METADATA = {"name": "name", "namespace": "namespace", "generation": "generation", "metadata_labels": "labels"}
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_STEP = 2  # columns a level goes in


def is_flat(document: dict[str, Json]) -> bool:
    """Whether a document of ours has its fields side by side."""
    return "metadata" not in document and "spec" not in document


def nested(document: dict[str, Json]) -> dict[str, Json]:
    """The value of a flat document in the Kubernetes form."""
    result: dict[str, Json] = {key: document[key] for key in document if key in _HEAD}
    metadata: dict[str, Json] = {_METADATA[key]: document[key] for key in document if key in _METADATA}
    spec = {key: value for key, value in document.items() if _group(key) == "spec"}
    return result | ({"metadata": metadata} if metadata else {}) | ({"spec": spec} if spec else {})


def _group(key: str) -> str:
    return "" if key in _HEAD else "metadata" if key in _METADATA else "spec"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One field with the comments above it, starting at the column of its key."""

    group: str
    text: str


def nest(text: str, node: Node) -> Edit:
    """The edit that brings a flat document into the Kubernetes form.

    Raises:
        Unwritable: it holds a merge key, an alias for a key, or comments that would be lost.
    """
    if node.shape is not Shape.MAPPING or not node.entries:
        raise Unwritable("the document is no plain mapping")
    if node.anchored or any(not entry.name or entry.name == "<<" for entry in node.entries):
        raise Unwritable("the document holds anchors or merge keys at its top")
    return _nest_flow(text, node) if node.flow else _nest_block(text, node)


def _nest_block(text: str, node: Node) -> Edit:
    indent, eol = column(text, node.entries[0].key.start), line_break(text)
    pieces: list[_Piece] = []
    position = node.entries[0].key.start
    for number, entry in enumerate(node.entries):
        if number and not is_first_of_line(text, entry.key.start):
            raise Unwritable("two fields stand on one line")
        end = line_end(text, entry.value.end)
        name = _METADATA.get(entry.name, entry.name)
        key = written(name, style=entry.key.style) if name != entry.name else text[entry.key.start : entry.key.end]
        piece = text[position : entry.key.start] + key + text[entry.key.end : end]
        pieces.append(_Piece(_group(entry.name), piece if piece.endswith(("\n", "\r")) else piece + eol))
        position = end
    body = _block(pieces, " " * indent, eol)
    end = line_end(text, node.end)
    if not text[:end].endswith(("\n", "\r")):
        body = body.removesuffix(eol)
    return Edit(node.entries[0].key.start, end, body)


def _block(pieces: list[_Piece], indent: str, eol: str) -> str:
    """The pieces in order, those of a group together where the first of them stood."""
    parts: list[str] = []
    done = set()
    for number, piece in enumerate(pieces):
        first = piece.text if number else indent + piece.text  # only the first begins at its key
        if not piece.group:
            parts.append(first)
        elif piece.group not in done:
            done.add(piece.group)
            parts.append(f"{indent}{piece.group}:{eol}")
            for index, other in enumerate(pieces):
                if other.group == piece.group:
                    parts.append(_shifted(other.text if index else indent + other.text))
    return "".join(parts).removeprefix(indent)


def _shifted(text: str) -> str:
    """The lines further to the right; empty ones stay empty."""
    return "".join(" " * _STEP + line if line.strip("\r\n") else line for line in _LINES.findall(text))


def _nest_flow(text: str, node: Node) -> Edit:
    keys = node.entries
    as_json = keys[0].key.style == '"'
    inside = text[keys[0].key.start : keys[-1].value.end]
    gaps = (text[a.value.end : b.key.start] for a, b in pairwise(keys))
    if any("#" in gap for gap in gaps) or "#" in text[node.start : keys[0].key.start]:
        raise Unwritable("the comments inside braces would be lost")
    lines = "\n" in inside or "\r" in inside
    column_of_keys = column(text, keys[0].key.start) if lines else 0
    groups: dict[str, list[str]] = {}
    for entry in keys:
        name = written(_METADATA.get(entry.name, entry.name), as_json=as_json)
        value = text[entry.key.end : entry.value.end]
        group = _group(entry.name)
        groups.setdefault(group, []).append(name + (_shifted_after_first(value) if group else value))
    eol = line_break(text)
    parts = list(groups.get("", []))
    parts += [
        _braces(written(group, as_json=as_json), groups[group], column_of_keys, eol, lines=lines)
        for group in ("metadata", "spec")
        if group in groups
    ]
    separator = f",{eol}{' ' * column_of_keys}" if lines else ", "
    return Edit(keys[0].key.start, keys[-1].value.end, separator.join(parts))


def _braces(name: str, fields: list[str], at: int, eol: str, *, lines: bool) -> str:
    if not lines:
        return f"{name}: {{{', '.join(fields)}}}"
    inner = " " * (at + _STEP)
    return f"{name}: {{{eol}{inner}" + f",{eol}{inner}".join(fields) + f"{eol}{' ' * at}}}"


def _shifted_after_first(text: str) -> str:
    first, *others = _LINES.findall(text) or [""]
    return str(first) + _shifted("".join(others))
