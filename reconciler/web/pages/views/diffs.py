"""What differs between two values, so that the eye finds it. Pure."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.digest import Json
from reconciler.model.plan import FieldChange, Op

_MOST_LINES = 400
_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Side:
    """A value as it was or is: what both have, what only this one has, and again what both have."""

    head: str
    own: str
    tail: str

    @property
    def whole(self) -> str:
        """All of it."""
        return self.head + self.own + self.tail


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field before and after; None where it was, or is, absent."""

    field: str
    before: Side | None
    after: Side | None


def field_diff(change: FieldChange) -> FieldDiff:
    """The parts of both sides."""
    before, after = change.before, change.after
    if not before or not after:
        return FieldDiff(change.field, Side("", before, "") if before else None, Side("", after, "") if after else None)
    head = _whole_words(before, after, _shared(before, after))
    tail = _shared(before[head:][::-1], after[head:][::-1])
    tail = _whole_words(before[::-1], after[::-1], tail)
    return FieldDiff(change.field, _side(before, head, tail), _side(after, head, tail))


def _shared(one: str, two: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def _whole_words(one: str, two: str, shared: int) -> int:
    """Back to where a word begins: ``90`` and ``40`` differ whole, and not by a digit."""
    while (
        shared
        and any(shared < len(text) and text[shared].isalnum() for text in (one, two))
        and one[shared - 1].isalnum()
    ):
        shared -= 1
    return shared


def _side(text: str, head: int, tail: int) -> Side:
    end = len(text) - tail
    return Side(text[:head], text[head:end], text[end:])


class Mark(StrEnum):
    """What a line of a text diff is."""

    SAME = " "
    GONE = "-"
    NEW = "+"
    SKIPPED = "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text diff."""

    mark: Mark
    text: str


def line_diff(before: str, after: str) -> tuple[Line, ...]:
    """Lines that differ, with some around them; the rest is skipped."""
    lines: list[Line] = []
    for text in difflib.unified_diff(before.splitlines(), after.splitlines(), n=_CONTEXT, lineterm=""):
        if text.startswith(("---", "+++")) and not lines:
            continue
        if text.startswith("@@"):
            lines.append(Line(Mark.SKIPPED, ""))
            continue
        lines.append(Line(Mark(text[0]), text[1:]))
        if len(lines) > _MOST_LINES:
            lines.append(Line(Mark.SKIPPED, "more lines differ"))
            break
    return tuple(lines[1:] if lines and lines[0] == Line(Mark.SKIPPED, "") else lines)


def document_diff(before: Json, after: Json) -> tuple[FieldChange, ...]:
    """What differs between two documents, field by field, by dotted path."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    names = [*old, *(name for name in new if name not in old)]
    changed = ((name, old.get(name, ""), new.get(name, "")) for name in names)
    return tuple(FieldChange(name or "document", one, two) for name, one, two in changed if one != two)


def _leaves(value: Json, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if value:
            for name, inner in value.items():
                yield from _leaves(inner, f"{path}.{name}" if path else name)
        case list() if value:
            for index, inner in enumerate(value):
                yield from _leaves(inner, f"{path}[{index}]")
        case None:
            return
        case str():
            yield path, value or '""'
        case _:
            yield path, json.dumps(value)


def op_word(op: Op) -> str:
    """``created``, ``updated``, ``deleted``."""
    return {Op.CREATE: "created", Op.UPDATE: "updated", Op.DELETE: "deleted"}[op]
