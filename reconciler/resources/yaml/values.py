"""One YAML document → a value, bounded, with what is wrong with it.

Works through libyaml's event stream with a stack of its own: nesting of any depth costs neither C stack nor
Python's, and nothing is expanded past the limits. Aliases share the value they name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.model.digest import Json
from reconciler.model.limits import Limits
from reconciler.model.problem import Code
from reconciler.resources.finding import Finding, Path, type_words
from reconciler.resources.yaml.frames import Anchored, Frame, MergeError, merge_into
from reconciler.resources.yaml.scalars import UNCERTAIN, Unreadable, is_mere_text, is_merge, resolve, tagged
from reconciler.resources.yaml.text import LineCount
from reconciler.resources.yaml.wording import not_yaml, too_deep, too_many_nodes

_HEAVY = 256  # characters; longer text counts for more than one value, since aliases multiply it


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed document.

    Attributes:
        value: meaningless when there are findings.
        line: line of its first key in its text, from 1.
        simple: it holds no floating-point number, so that plain JSON encoding is canonical.
        lines: line of every key and list item, when asked for.
    """

    value: Json
    line: int
    simple: bool
    findings: tuple[Finding, ...]
    lines: dict[Path, int]


def parse(text: str, limits: Limits, *, with_lines: bool = False) -> Tree:
    """Parse the text of one document; never raises on content.

    Args:
        text: one document, as the splitter gives it.
        limits: depth, nodes and aliases are bounded by these.
        with_lines: whether to record lines, which costs as much as the parse; if not, only for what is reported.
    """
    count = LineCount(text)
    builder = _Builder(count, limits, with_lines=with_lines)
    try:
        builder.run(CParser(text), unmarked="&" not in text and "!" not in text)
    except _GivenUp:
        pass
    except YAMLError as error:
        builder.findings.append(not_yaml(error, count))
    if builder.findings and not with_lines:
        return parse(text, limits, with_lines=True)
    return Tree(builder.root, builder.line, builder.simple, tuple(builder.findings), builder.lines)


class _GivenUp(Exception):
    """The rest of the document is not read; why is among the findings."""


class _Builder:
    """The state of one parse; libyaml's events come untyped."""

    def __init__(self, count: LineCount, limits: Limits, *, with_lines: bool) -> None:
        self.count = count
        self.limits = limits
        self.with_lines = with_lines
        self.root: Json = None
        self.line = 1
        self.simple = True
        self.findings: list[Finding] = []
        self.lines: dict[Path, int] = {}
        self._frame: Frame | None = None
        self._stack: list[Frame] = []
        self._anchors: dict[str, Anchored | None] = {}
        self._nodes = 0
        self._aliases = 0
        self._documents = 0

    def run(self, parser: Any, *, unmarked: bool) -> None:
        """Take events until the stream ends.

        The short texts of a mapping are taken right here: nearly all events are such ones, and a call for each would
        cost as much as libyaml does. ``unmarked``: the document has neither anchors nor tags.
        """
        next_event, most, swift = parser.get_event, self.limits.max_nodes, unmarked and not self.with_lines
        frame: Frame | None = None
        fields: dict[str, Json] | None = None  # of the open mapping, where its texts can be taken here
        taken = 0
        while (kind := type(event := next_event())) is not StreamEndEvent:
            if kind is not ScalarEvent:
                self._nodes, taken = self._nodes + taken, 0
                if self._nodes > most:
                    self._end_with(too_many_nodes(self.limits, self._line(event)))
                if (handler := self._HANDLERS.get(kind)) is not None:
                    handler(self, event)
                if swift:
                    frame = self._frame
                    fields = None if frame is None else frame.fields
            elif (
                fields is None
                or frame is None
                or len(text := event.value) >= _HEAVY
                or (text[:1] in UNCERTAIN and event.implicit[0] and not is_mere_text(text))
            ):
                self._scalar(event)
            elif frame.key is not None:
                fields[frame.key] = text
                frame.key = None
                taken += 1
            elif frame.merging or text in fields:
                self._scalar(event)
            else:
                frame.key = text
                taken += 1

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:  # after a line break that is none to other tools, such as U+2028
            self._give_up(event, Code.NOT_YAML, "a second document begins after an unusual line break")

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        weight = 1 + len(text) // _HEAVY
        self._nodes += weight
        if self._nodes > self.limits.max_nodes:
            self._end_with(too_many_nodes(self.limits, self._line(event)))
        tag: str | None = event.tag
        frame = self._frame
        value: Json = text
        if tag is not None or (text[:1] in UNCERTAIN and event.implicit[0]):
            if frame is not None and frame.awaits_key and is_merge(text, tag):
                self._merge_key(frame, event)
                return
            value = self._resolve(event, tag, text)
        if event.anchor is not None:
            self._anchors[event.anchor] = Anchored(value, weight, 0)
        if frame is not None and frame.key is not None and frame.fields is not None:  # by far the most common
            frame.fields[frame.key] = value
            frame.key = None
        else:
            self._place(value, event)

    def _resolve(self, event: Any, tag: str | None, text: str) -> Json:
        try:
            value = resolve(text) if tag is None else tagged(tag, text)
        except Unreadable as why:
            self._find(event, Code.INVALID_VALUE, str(why), path=self._path(self._frame))
            return text
        if type(value) is float:
            self.simple = False
        return value

    def _open(self, event: Any) -> None:
        fields: dict[str, Json] | None = {} if type(event) is MappingStartEvent else None
        items: list[Json] | None = [] if fields is None else None
        opened, parent = Frame(fields, items, event.anchor, self._nodes), self._frame
        self._nodes += 1
        if self._nodes > self.limits.max_nodes:
            self._end_with(too_many_nodes(self.limits, self._line(event)))
        if event.tag is not None and not opened.allows(event.tag):
            self._find(event, Code.INVALID_VALUE, f"the tag {event.tag[:80]!r} is not allowed here")
        if parent is None:
            self.line = self._line(event)
        elif self.with_lines:
            opened.part = parent.next_part
        self._place(opened.value, event)
        if parent is not None:
            self._stack.append(parent)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = None
        self._frame = opened
        if len(self._stack) >= self.limits.max_depth:
            self._end_with(too_deep(self.limits, self._line(event)))

    def _close(self, event: Any) -> None:
        closed = self._frame
        if closed is None:
            return
        if closed.merges:
            try:
                merge_into(closed)
            except MergeError as wrong:
                self._find(event, Code.WRONG_TYPE, "<< takes a mapping or a list of mappings", got=wrong.got)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = Anchored(closed.value, self._nodes - closed.nodes_before, closed.height + 1)
        self._frame = self._stack.pop() if self._stack else None
        if self._frame is not None and self._frame.height <= closed.height:
            self._frame.height = closed.height + 1

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            self._give_up(event, Code.NOT_YAML, f"the alias *{event.anchor[:80]} names no anchor before it")
        target = self._anchors[event.anchor]
        if target is None:
            self._give_up(event, Code.NOT_YAML, f"the alias *{event.anchor[:80]} stands inside what it names")
        self._aliases += 1
        self._nodes += target.nodes
        if self._aliases > self.limits.max_aliases:
            expected = f"at most {self.limits.max_aliases}"
            self._give_up(event, Code.ALIAS_LIMIT, "too many aliases in one document", expected=expected)
        if self._nodes > self.limits.max_nodes:
            self._end_with(too_many_nodes(self.limits, self._line(event), by_aliases=True))
        if len(self._stack) + 1 + target.height > self.limits.max_depth:
            self._end_with(too_deep(self.limits, self._line(event)))
        if self._frame is not None and self._frame.height < target.height:
            self._frame.height = target.height
        self._place(target.value, event)

    def _place(self, value: Json, event: Any) -> None:
        frame = self._frame
        if frame is None:
            self.root = value
        elif frame.items is not None:
            if self.with_lines:
                self.lines[self._path(frame)] = self._line(event)
            frame.items.append(value)
        elif frame.fields is not None:
            if frame.key is not None:
                frame.fields[frame.key] = value
                frame.key = None
            elif frame.merging:
                frame.merges = (*frame.merges, value)
                frame.merging = False
            else:
                self._key(frame, frame.fields, value, event)

    def _key(self, frame: Frame, fields: dict[str, Json], key: Json, event: Any) -> None:
        if type(key) is not str:
            if isinstance(key, dict | list):
                self._give_up(event, Code.WRONG_TYPE, "a key must be a string", got=type_words(key))
            self._find(event, Code.WRONG_TYPE, "a key must be a string", got=type_words(key), hint="put it in quotes")
            key = str(key)
        if key in fields:
            self._duplicate(frame, key, event)
        frame.key = key
        if self.with_lines:
            self.lines.setdefault(self._path(frame), self._line(event))

    def _merge_key(self, frame: Frame, event: Any) -> None:
        if frame.merges:
            self._duplicate(frame, "<<", event)
        frame.merging = True
        if self.with_lines:
            self.lines.setdefault(self._path(frame), self._line(event))

    def _duplicate(self, frame: Frame, key: str, event: Any) -> None:
        path = (*self._path_of(frame), key)
        first, message, hint = self.lines.get(path, 0), f"the key {key[:80]!r} is given twice", "remove one of the two"
        self._find(event, Code.DUPLICATE_KEY, message, path=path, hint=hint, related_line=first)

    def _path_of(self, frame: Frame) -> Path:
        return tuple(f.part for f in [*self._stack, frame][1:])

    def _path(self, frame: Frame | None) -> Path:
        return () if frame is None else (*self._path_of(frame), frame.next_part)

    def _line(self, event: Any) -> int:
        return self.count.at(event.start_mark)

    def _find(self, event: Any, code: Code, message: str, **more: Any) -> None:
        self.findings.append(Finding(code, message, line=self._line(event), **more))
        if len(self.findings) > self.limits.max_findings:
            raise _GivenUp

    def _give_up(self, event: Any, code: Code, message: str, **more: Any) -> NoReturn:
        self._find(event, code, message, **more)
        raise _GivenUp

    def _end_with(self, finding: Finding) -> NoReturn:
        self.findings.append(finding)
        raise _GivenUp

    _HANDLERS: ClassVar[dict[type, Callable[["_Builder", Any], None]]] = {
        MappingStartEvent: _open,
        SequenceStartEvent: _open,
        MappingEndEvent: _close,
        SequenceEndEvent: _close,
        AliasEvent: _alias,
        DocumentStartEvent: _document,
    }
