"""Reads the JSON of records of every version: what is missing, or of another type, is empty. Pure."""

from datetime import datetime

from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN
from reconciler.web.pages.views import moments

Group = dict[str, Json]
HIDDEN = "not shown to you"


def group(value: Json, *path: str) -> Group:
    """The object at a path."""
    found: Json = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def groups(value: Json) -> list[Group]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Json) -> str:
    """A text, or a number or truth as one."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case _:
            return ""


def texts(value: Json) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(map(text, value)) if isinstance(value, list) else ()


def number(value: Json) -> int:
    """A whole number; 0 for none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def milliseconds(value: Json) -> int | None:
    """A length of time; None where it is not known."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def time(value: Json) -> datetime | None:
    """A stamp; None where there is none."""
    return moments.read(value) if isinstance(value, str) else None


def told(value: Json) -> str:
    """A text, where nobody knows "unknown", and for nothing "none"."""
    if value is None:
        return "none"
    return text(value) or UNKNOWN


def person(value: Json) -> str:
    """``Ann <ann@example.com>``; "unknown" where nobody asked."""
    if not isinstance(value, dict):
        return UNKNOWN
    name, email = text(value.get("name")), text(value.get("email"))
    return f"{name} <{email}>" if name and email else name or email or UNKNOWN


def words(value: Json) -> str:
    """Any value in one line, for facts that this page has no better form for."""
    match value:
        case None:
            return "none"
        case dict():
            return "; ".join(f"{name.replace('_', ' ')}: {words(item)}" for name, item in value.items()) or "none"
        case list():
            return ", ".join(map(words, value)) or "none"
        case _:
            return text(value)
