"""A JSON Schema → a fast predicate, so that jsonschema is asked only to explain what is wrong.

``accepts`` knows exactly the keywords our schemas use and refuses to be built from any other, so the schema
files stay the one description of what is valid. A test holds the two against each other.
"""

from collections.abc import Callable
from typing import TypeAlias

from reconciler.model.digest import Json

Check: TypeAlias = Callable[[Json], bool]
Schema: TypeAlias = dict[str, Json]

_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
_COLLECTION_KEYWORDS = frozenset({"items", "properties", "required", "additionalProperties"})
_ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "default", "examples", "deprecated"})


def accepts(schema: Schema) -> Check:
    """A predicate for the values a schema accepts.

    Raises:
        ValueError: the schema uses a keyword that is not known here.
    """
    checks = [
        built
        for keyword, argument in schema.items()
        if keyword not in _ANNOTATIONS and not keyword.startswith("x-")
        for built in _build(keyword, argument, schema)
    ]
    if len(checks) == 1:
        return checks[0]

    def check_all(value: Json) -> bool:
        for check in checks:  # noqa: SIM110 - all() is twice as slow, and this runs for every field of every document
            if not check(value):
                return False
        return True

    return check_all


def _build(keyword: str, argument: Json, schema: Schema) -> list[Check]:
    if keyword in _COLLECTION_KEYWORDS:
        return _build_collection(keyword, argument, schema)
    match keyword, argument:
        case "type", _:
            return [_of_type(argument)]
        case "enum", list():
            return [_one_of(argument)]
        case "const", _:
            return [_one_of([argument])]
        case "anyOf", list():
            return [_any_of([accepts(s) for s in argument if isinstance(s, dict)])]
        case (("minimum" | "maximum" | "minLength" | "minItems"), int()):
            return [_bound(keyword, argument)]
        case _:
            raise ValueError(f"the keyword {keyword!r} is not supported in this use")


def _build_collection(keyword: str, argument: Json, schema: Schema) -> list[Check]:
    match keyword, argument:
        case "items", dict():
            return [_items(accepts(argument))]
        case "properties", dict():
            return [_properties(argument, schema)]
        case "required", list():
            return [_required([str(name) for name in argument])]
        case "additionalProperties", dict() if "properties" not in schema:
            return [_values(accepts(argument))]
        case "additionalProperties", False if "properties" in schema:
            return []  # part of the check of properties
        case _:
            raise ValueError(f"the keyword {keyword!r} is not supported in this use")


def _of_type(names: Json) -> Check:
    if isinstance(names, str):
        only = _TYPES[names]
        return lambda value: type(value) is only
    wanted = names
    types = frozenset(_TYPES[str(name)] for name in (wanted if isinstance(wanted, list) else []))
    return lambda value: type(value) in types


def _one_of(choices: list[Json]) -> Check:
    return lambda value: any(type(value) is type(choice) and value == choice for choice in choices)


def _bound(keyword: str, limit: int) -> Check:
    match keyword:
        case "minimum":
            return lambda value: not isinstance(value, int) or value >= limit
        case "maximum":
            return lambda value: not isinstance(value, int) or value <= limit
        case "minLength":
            return lambda value: not isinstance(value, str) or len(value) >= limit
        case _:
            return lambda value: not isinstance(value, list) or len(value) >= limit


def _items(check: Check) -> Check:
    return lambda value: not isinstance(value, list) or all(check(item) for item in value)


def _values(check: Check) -> Check:
    return lambda value: not isinstance(value, dict) or all(check(item) for item in value.values())


def _any_of(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _required(names: list[str]) -> Check:
    return lambda value: not isinstance(value, dict) or all(name in value for name in names)


def _properties(properties: Schema, schema: Schema) -> Check:
    known = {name: (_only_type(s), accepts(s)) for name, s in properties.items() if isinstance(s, dict)}
    closed = schema.get("additionalProperties") is False

    def check(value: Json) -> bool:
        if not isinstance(value, dict):
            return True
        for name, item in value.items():
            field = known.get(name)
            if field is None:
                if closed:
                    return False
            elif field[0] is not type(item) and not field[1](item):
                return False
        return True

    return check


def _only_type(schema: Schema) -> type | None:
    """The type whose values a schema accepts without a further look, which spares a call for most fields."""
    name = schema.get("type")
    further = schema.keys() - _ANNOTATIONS - {"type"}
    if not isinstance(name, str) or any(not keyword.startswith("x-") for keyword in further):
        return None
    return _TYPES[name]
