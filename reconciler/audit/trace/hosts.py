"""Which Host answers for a name: what it says before all Mappings has no origin in a line. Pure."""

import json
from collections.abc import Iterable

from reconciler.audit.trace.version import Version

_WILDCARD = "*"


def named(document: bytes, field: str) -> str:
    """A text field of a document in either form, flat or of Kubernetes; empty where it has none."""
    try:
        value = json.loads(document)
    except ValueError:
        return ""
    spec = value.get("spec") if isinstance(value, dict) else None
    for place in (spec, value):
        if isinstance(place, dict) and isinstance(place.get(field), str):
            return str(place[field])
    return ""


def covering(hosts: Iterable[tuple[Version, str]], authority: str, moment: str) -> list[Version]:
    """The Hosts served at a moment that cover a name, the most exact first.

    Args:
        hosts: each version of each Host with its hostname; empty is all names.
        authority: name that was asked for, with a port or without.
        moment: when.
    """
    name = authority.lower() if authority.endswith("]") else authority.lower().rpartition(":")[0] or authority.lower()
    fitting = [(pattern, one) for one, pattern in hosts if one.covers(moment) and _covers(pattern or "*", name)]
    return [one for pattern, one in sorted(fitting, key=lambda pair: (_WILDCARD in pair[0], -len(pair[0])))]


def _covers(pattern: str, name: str) -> bool:
    pattern = pattern.lower()
    if pattern.startswith(_WILDCARD):
        return name.endswith(pattern[1:])
    if pattern.endswith(_WILDCARD):
        return name.startswith(pattern[:-1])
    return pattern == name
