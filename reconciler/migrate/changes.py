"""What a rule wants changed of a document, said of its value; ``edits`` makes the same of its text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.model.digest import Json
from reconciler.resources.finding import Path


@dataclass(frozen=True, slots=True)
class Set:
    """The value at a path becomes another."""

    path: Path
    value: Json


@dataclass(frozen=True, slots=True)
class Rename:
    """The field at a path gets another name."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Remove:
    """The field at a path goes away."""

    path: Path


@dataclass(frozen=True, slots=True)
class Insert:
    """A field of another's level is written before that one.

    Attributes:
        before: the path of the field it is written before.
    """

    before: Path
    name: str
    value: Json


Change: TypeAlias = Set | Rename | Remove | Insert


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Changes that belong together, and what to tell the user of them.

    All paths are those of the document as it was, and no two changes overlap.
    """

    changes: tuple[Change, ...]
    note: str


def applied(document: dict[str, Json], changes: Sequence[Change]) -> dict[str, Json]:
    """The value that the changed text has to have."""
    result: dict[str, Json] = _unshared(document)
    for change in sorted(changes, key=_order):
        path = change.before if isinstance(change, Insert) else change.path
        above = _above(result, path)
        match change, above, path[-1]:
            case Set(value=value), dict() | list(), part:
                above[part] = _unshared(value)  # type: ignore[index] # a path fits its document
            case Insert(name=name, value=value), dict(), _:
                above[name] = _unshared(value)
            case Rename(name=name), dict(), str() as part:
                above[name] = above.pop(part)
            case Remove(), dict(), str() as part:
                del above[part]
    return result


def _unshared(value: Json) -> Any:
    """A copy in which nothing that aliases share is shared any more."""
    return json.loads(json.dumps(value))


def _order(change: Change) -> tuple[int, int]:
    """Names last and from the inside: a value may be set in a field that is renamed, or in the place of another."""
    last = 2 if isinstance(change, Rename) else 1 if isinstance(change, Remove) else 0
    return last, -len(change.before if isinstance(change, Insert) else change.path)


def _above(value: Json, path: Path) -> Json:
    """The collection that holds the last part of a path."""
    for part in path[:-1]:
        value = value[part]  # type: ignore[index] # a path fits its document
    return value
