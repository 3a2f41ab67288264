"""YAML text → nodes that know which characters they are, so that one value can be rewritten and all else stays.

A round-trip library was tried first: it reflows spaces, quotes and indentation of what nobody asked it to touch.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.resources.finding import Path


class Shape(Enum):
    """What a node is."""

    SCALAR = auto()
    ALIAS = auto()
    MAPPING = auto()
    SEQUENCE = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``key: value`` of a mapping; keys that are no scalars have an empty name."""

    name: str
    key: "Node"
    value: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place in the text.

    Attributes:
        start: its first character, an anchor or tag of it included.
        end: behind its last character; comments, blank lines and the line break are not part of it.
        style: of a scalar, ``|``, ``>``, ``'``, ``"`` or empty.
        flow: whether a collection is written in brackets.
        anchored: whether aliases may speak of it.
    """

    shape: Shape
    start: int
    end: int
    style: str = ""
    flow: bool = False
    anchored: bool = False
    entries: tuple[Entry, ...] = ()
    items: "tuple[Node, ...]" = ()

    def entry(self, name: str) -> Entry | None:
        """The entry of that name; the last one, should there be several."""
        return next((entry for entry in reversed(self.entries) if entry.name == name), None)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen yet."""

    event: Any
    children: list[tuple[Node, str]]


def compose(text: str) -> Node | None:
    """The tree of one document; None when it is empty or no YAML.

    Args:
        text: one document, within the limits on nesting (it was parsed before).
    """
    parser = CParser(text)
    stack: list[_Open] = []
    root: Node | None = None
    try:
        while not isinstance(event := parser.get_event(), StreamEndEvent):
            name = event.value if isinstance(event, ScalarEvent) else ""
            node: Node | None = None
            match event:
                case MappingStartEvent() | SequenceStartEvent():
                    stack.append(_Open(event, []))
                case MappingEndEvent() | SequenceEndEvent():
                    node = _closed(stack.pop(), event)
                case ScalarEvent() | AliasEvent():
                    node = _leaf(event, text)
            if node is not None and stack:
                stack[-1].children.append((node, name))
            elif node is not None:
                root = node
    except YAMLError:
        return None
    return root


def at(root: Node, path: Path) -> Node | None:
    """The node of a path; None when it is not written there, but comes through an alias or a merge key."""
    node: Node | None = root
    for part in path:
        if node is None:
            return None
        if isinstance(part, int):
            node = node.items[part] if part < len(node.items) else None
        else:
            entry = node.entry(part)
            node = entry.value if entry else None
    return node


def _leaf(event: Any, text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    end = start + len(text[start:end].rstrip())  # libyaml counts the lines behind a block scalar as part of it
    if isinstance(event, AliasEvent):
        return Node(Shape.ALIAS, start, end)
    return Node(Shape.SCALAR, start, end, style=event.style or "", anchored=event.anchor is not None)


def _closed(opened: _Open, event: Any) -> Node:
    nodes = [node for node, _ in opened.children]
    flow = bool(opened.event.flow_style)
    start = opened.event.start_mark.index
    end = event.end_mark.index if flow else nodes[-1].end if nodes else start
    anchored = opened.event.anchor is not None
    if isinstance(event, SequenceEndEvent):
        return Node(Shape.SEQUENCE, start, end, flow=flow, anchored=anchored, items=tuple(nodes))
    pairs = zip(opened.children[::2], opened.children[1::2], strict=True)
    entries = tuple(Entry(name, key, value) for (key, name), (value, _) in pairs)
    return Node(Shape.MAPPING, start, end, flow=flow, anchored=anchored, entries=entries)
