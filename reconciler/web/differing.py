"""How what was served at two moments differs, document by document. Pure."""

import json
from collections.abc import Iterable

from reconciler.model.digest import Json
from reconciler.model.plan import FieldChange, Op
from reconciler.model.resource import Origin
from reconciler.web.view import Differing

_LONGEST = 200
_MOST_FIELDS = 200


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
        found.append(Differing(name, op, _fields(old, new), *places))
    return tuple(found)


def _fields(old: Origin | None, new: Origin | None) -> tuple[FieldChange, ...]:
    before, after = (_flat(origin) for origin in (old, new))
    names = sorted(before.keys() | after.keys())
    changed = [name for name in names if before.get(name) != after.get(name)]
    return tuple(FieldChange(name, before.get(name, ""), after.get(name, "")) for name in changed[:_MOST_FIELDS])


def _flat(origin: Origin | None) -> dict[str, str]:
    """Every value of a document by its dotted path."""
    flat: dict[str, str] = {}
    todo: list[tuple[str, Json]] = [("", json.loads(origin.document))] if origin else []
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict) and value:
            todo.extend((f"{path}.{name}" if path else name, item) for name, item in value.items())
        elif isinstance(value, list) and value:
            todo.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        else:
            words = value if isinstance(value, str) else json.dumps(value)
            flat[path] = words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
    return flat
