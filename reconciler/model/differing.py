"""How what was served at two moments differs, document by document and field by field. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.origin import Origin
from reconciler.model.plan import FieldChange, Op
from reconciler.model.provenance import Provenance
from reconciler.model.resource import ResourceId

_LONGEST = 200  # characters of a value that are shown
_BEFORE = 40  # of them, before the first that differs
_MOST_FIELDS = 200
_PLAIN = re.compile(r"[^\s.\[\]\"]+")

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Differing:
    """A document that differs between two moments.

    Attributes:
        fields: what differs, sorted by its path; a text that could be taken for another value is in quotes.
        before, after: the places of both versions.
        more: how many fields differ beside those.
    """

    id: ResourceId
    op: Op
    fields: tuple[FieldChange, ...]
    before: Provenance | None
    after: Provenance | None
    more: int = 0


def differing(older: Iterable[Origin], newer: Iterable[Origin]) -> tuple[Differing, ...]:
    """The documents that came, went or say something else, sorted by identity. Where they stand does not count."""
    before = {origin.id: origin for origin in older}
    after = {origin.id: origin for origin in newer}
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old and new and old.document == new.document:
            continue
        op = Op.UPDATE if old and new else Op.CREATE if new else Op.DELETE
        places = (old.provenance if old else None, new.provenance if new else None)
        fields, more = _fields(old, new)
        found.append(Differing(name, op, fields, *places, more))
    return tuple(found)


def _fields(old: Origin | None, new: Origin | None) -> tuple[tuple[FieldChange, ...], int]:
    before, after = (_leaves(origin) for origin in (old, new))
    differ = (path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    changed = sorted(differ, key=_order)
    shown = (FieldChange(_named(path), *_sides(before.get(path), after.get(path))) for path in changed[:_MOST_FIELDS])
    return tuple(shown), max(0, len(changed) - _MOST_FIELDS)


def _order(path: _Path) -> list[tuple[int, str]]:
    """A list's entries by their number; where the other side has an object there, that first."""
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def _leaves(origin: Origin | None) -> dict[_Path, str]:
    """Every value of a document that holds no other, as JSON, so that 1 is neither ``"1"`` nor true; by its path."""
    leaves: dict[_Path, str] = {}
    todo: list[tuple[_Path, Json]] = [((), json.loads(origin.document))] if origin else []
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict) and value:
            todo.extend(((*path, name), item) for name, item in value.items())
        elif isinstance(value, list) and value:
            todo.extend(((*path, index), item) for index, item in enumerate(value))
        else:
            leaves[path] = json.dumps(value, ensure_ascii=False)
    return leaves


def _named(path: _Path) -> str:
    """A path in words: ``spec.hosts[0]``; a name that could be taken for several is in quotes: ``labels["a.b"]``."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            words += f".{part}" if words else part
        else:
            words += f"[{json.dumps(part, ensure_ascii=False)}]"
    return words or "(document)"


def _sides(before: str | None, after: str | None) -> tuple[str, str]:
    """Both values for people, empty for what is absent; long ones from shortly before where they differ."""
    texts = [_shown(value) if value is not None else "" for value in (before, after)]
    if max(map(len, texts)) <= _LONGEST:
        return texts[0], texts[1]
    same = next((at for at, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    start = max(0, same - _BEFORE)
    cut = [_cut(text, start if all(texts) else 0) for text in texts]
    return cut[0], cut[1]


def _cut(text: str, start: int) -> str:
    head = "…" if start else ""
    tail = "…" if len(text) > start + _LONGEST else ""
    return f"{head}{text[start : start + _LONGEST]}{tail}"


def _shown(value: str) -> str:
    """JSON as people write it: a text without quotes, unless it is empty or would be taken for something else."""
    if not value.startswith('"'):
        return value
    text: str = json.loads(value)
    try:
        json.loads(text)
    except ValueError:
        return text if text.strip() else value
    return value
