"""What of a request is counted: ``labels`` of a Mapping, in all spellings there have been.

``{domain: [{group: [specifier]}]}``, where the first versions know one domain and write ``rate_limits``.
"""

from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.model.policy import Descriptor, LimitEntry, LimitLabels
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown, type_words
from reconciler.resources.patterns import is_token

Groups: TypeAlias = tuple[tuple[str, tuple[LimitEntry, ...]], ...]

_EXPECTED = "one of source_cluster, destination_cluster, remote_address, request_headers and generic_key"
_BARE = {
    word.value: word for word in (Descriptor.SOURCE_CLUSTER, Descriptor.DESTINATION_CLUSTER, Descriptor.REMOTE_ADDRESS)
}
_V0_GROUP = "v0_ratelimit"


def read_labels(fields: Fields) -> tuple[LimitLabels, ...]:
    """The labels by domain; that of the Module where the spelling knows none."""
    found = []
    inside = fields.inside("labels")
    for domain, given in inside.values.items():
        groups: list[tuple[str, tuple[LimitEntry, ...]]] = []
        for at, group in enumerate(given if isinstance(given, list) else []):
            groups += read_group(inside, group, domain, at)
        if groups:
            found.append(LimitLabels(domain, tuple(groups)))
    first = _first_versions(fields)
    return (*found, LimitLabels("", first)) if first else tuple(found)


def read_group(fields: Fields, group: Json, *path: str | int) -> Groups:
    """One named group of specifiers; none when it was reported."""
    if not isinstance(group, dict) or len(group) != 1:
        words = f"{len(group)} names" if isinstance(group, dict) else type_words(group)
        _report(fields, "a label group has one name", path, expected="{name: [specifier]}", got=words)
        return ()
    ((name, given),) = group.items()
    return ((name, read_specifiers(fields, given, *path, name)),)


def read_specifiers(fields: Fields, given: Json, *path: str | int) -> tuple[LimitEntry, ...]:
    """A list of specifiers; those that were reported are left out."""
    if not isinstance(given, list) or not given:
        got = "an empty list" if given == [] else type_words(given)
        _report(fields, "a label group holds specifiers", path, expected="a list of specifiers", got=got)
        return ()
    entries = (_specifier(fields, entry, (*path, at)) for at, entry in enumerate(given))
    return tuple(entry for entry in entries if entry is not None)


def _specifier(fields: Fields, given: Json, path: tuple[str | int, ...]) -> LimitEntry | None:
    if isinstance(given, str) and given:
        return LimitEntry(_BARE[given]) if given in _BARE else LimitEntry(Descriptor.GENERIC_KEY, value=given)
    if not isinstance(given, dict) or len(given) != 1:
        _report(fields, "no specifier", path, expected=_EXPECTED, got=type_words(given))
        return None
    ((word, value),) = given.items()
    here = (*path, word)
    if isinstance(value, dict):
        if isinstance(value.get("header"), str):
            return _header(fields, word, value, "header", here)
        if word == Descriptor.REQUEST_HEADERS:
            return _header(fields, value.get("key"), value, "header_name", here)
        if word == Descriptor.GENERIC_KEY:
            return _generic(fields, value, here)
        if word in _BARE:
            return _fixed(fields, word, value, here)
    if word == Descriptor.GENERIC_KEY and isinstance(value, str) and value:
        return LimitEntry(Descriptor.GENERIC_KEY, value=value)
    _report(fields, "no specifier", here, expected=_EXPECTED, got=type_words(value))
    return None


def _fixed(fields: Fields, word: str, value: dict[str, Json], path: tuple[str | int, ...]) -> LimitEntry | None:
    """Envoy names these entries itself; ``key`` can only repeat that."""
    key = value.get("key", word)
    if key != word or value.keys() - {"key"}:
        _report(fields, f"Envoy calls this entry {word}", (*path, "key"), expected=word, got=shown(key))
        return None
    return LimitEntry(_BARE[word])


def _generic(fields: Fields, value: dict[str, Json], path: tuple[str | int, ...]) -> LimitEntry | None:
    key, text = value.get("key", ""), value.get("value")
    if not isinstance(key, str) or not isinstance(text, str) or not text:
        _report(fields, "a generic key has a value", (*path, "value"), expected="a string", got=shown(text))
        return None
    return LimitEntry(Descriptor.GENERIC_KEY, key, text)


def _header(
    fields: Fields, key: Json, value: dict[str, Json], field: str, path: tuple[str | int, ...]
) -> LimitEntry | None:
    name, omit = value.get(field), value.get("omit_if_not_present", False)
    if not isinstance(key, str) or not key:
        _report(fields, "the entry of a header has a key", (*path, "key"), expected="a string", got=shown(key))
    elif not isinstance(name, str) or not is_token(name.removeprefix(":")):
        _report(fields, "not the name of a header", (*path, field), expected="a header name", got=shown(name))
    elif not isinstance(omit, bool):
        _report(fields, "wrong type", (*path, "omit_if_not_present"), expected="true or false", got=type_words(omit))
    else:
        return LimitEntry(Descriptor.REQUEST_HEADERS, key, name.lower(), omit)
    return None


def _first_versions(fields: Fields) -> Groups:
    """``rate_limits`` of v0: each a descriptor and headers, beside what every descriptor then held."""
    groups = []
    for number, limit in enumerate(fields.each("rate_limits"), 1):
        headers = limit.values.get("headers")
        names = [name for name in headers if isinstance(name, str)] if isinstance(headers, list) else []
        for name in names:
            if not is_token(name):
                limit.report(Code.INVALID_VALUE, "not the name of a header", "headers", got=shown(name))
        entries = [LimitEntry(kind) for kind in _BARE.values()]
        descriptor = limit.text("descriptor")
        if descriptor:
            entries.append(LimitEntry(Descriptor.GENERIC_KEY, value=descriptor))
        entries += [LimitEntry(Descriptor.REQUEST_HEADERS, name, name.lower(), True) for name in names]
        groups.append((f"{_V0_GROUP}_{number:02d}", tuple(entries)))
    return tuple(groups)


def _report(fields: Fields, message: str, path: tuple[str | int, ...], *, expected: str, got: str) -> None:
    place = Fields({}, (*fields.path, *path), fields.limits, fields.found)
    place.report(Code.INVALID_VALUE, message, expected=expected, got=got)
