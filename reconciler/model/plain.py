"""Any value of the vocabulary as plain JSON, for people and golden files."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from reconciler.model.digest import Json


def plain(value: object) -> Json:
    """A value as JSON: dataclasses by field, enums by value, times in RFC 3339, bytes as text.

    Fields that are None, empty, or as they are by default are left out, so that what is there stands out; and those
    that follow from others, which don't count when values are compared.

    Raises:
        TypeError: a type that is no part of the vocabulary.
    """
    match value:
        case None | bool() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return plain(value.value)
        case int() | float():
            return value
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case bytes():
            return value.decode(errors="replace")
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list() | frozenset():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = ((field, getattr(value, field.name)) for field in dataclasses.fields(value) if field.compare)
        return {field.name: plain(item) for field, item in named if item not in (None, (), "", b"", field.default)}
    raise TypeError(f"{type(value).__name__} is no part of the vocabulary")
