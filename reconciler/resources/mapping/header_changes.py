"""Headers a Mapping adds to requests and answers, and those it removes.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#custom-request-response-headers
"""

import re
from collections.abc import Iterator

from reconciler.model.digest import Json
from reconciler.model.policy import NO_HEADER_CHANGES, HeaderChanges, HeaderValue
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import checked_format
from reconciler.resources.patterns import is_token

# https://www.rfc-editor.org/rfc/rfc9110#section-5.5; a tab may stand in a value.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MOST = 1000  # Route.request_headers_to_add
_LONGEST = 16_384  # bytes; HeaderValue


def read_header_changes(fields: Fields, which: str) -> HeaderChanges:
    """What is said under ``add_WHICH_headers`` and ``remove_WHICH_headers``.

    Args:
        fields: where it is and findings go.
        which: ``request`` or ``response``.
    """
    added, removed = f"add_{which}_headers", f"remove_{which}_headers"
    if not fields.values.get(added) and not fields.values.get(removed):
        return NO_HEADER_CHANGES
    return HeaderChanges(_read_added(fields, added), _read_removed(fields, removed))


def _read_added(fields: Fields, field: str) -> tuple[HeaderValue, ...]:
    inside = fields.inside(field)
    if len(inside.values) > _MOST:
        message = "more headers than Envoy takes"
        fields.report(Code.INVALID_VALUE, message, field, expected=f"at most {_MOST}", got=str(len(inside.values)))
    found: dict[str, HeaderValue] = {}
    for name, given in inside.values.items():
        _check_name(inside, name, name)
        header = _header(inside, name, given)
        if header is None:
            continue
        if header.name in found:
            inside.report(Code.FIELDS_CONTRADICT, "two of the names differ only in case", name)
        found[header.name] = header
    return tuple(sorted(found.values()))


def _header(inside: Fields, name: str, given: Json) -> HeaderValue | None:
    """One header; values are never shown: they may be secret."""
    at: tuple[str, ...] = (name,)
    value, append = given, True
    if isinstance(given, dict):
        value, at, append = given.get("value"), (name, "value"), given.get("append") is not False
    if not isinstance(value, str):
        return None
    if not value:
        inside.ignored(name, "Envoy adds no header without a value", hint="remove it")
    if _FORBIDDEN.search(value):
        inside.report(Code.INVALID_VALUE, "the value holds control characters, which no header may", *at)
        return None
    if len(value.encode()) > _LONGEST:
        got = f"{len(value.encode())} bytes"
        inside.report(Code.INVALID_VALUE, "the value is too long", *at, expected=f"at most {_LONGEST} bytes", got=got)
        return None
    return HeaderValue(name.lower(), checked_format(inside, value, *at), append)


def _read_removed(fields: Fields, field: str) -> tuple[str, ...]:
    names = set()
    for part, name in _listed(fields.values.get(field)):
        _check_name(fields, name, field, *part)
        names.add(name.lower())
    return tuple(sorted(names))


def _listed(value: Json) -> Iterator[tuple[tuple[int, ...], str]]:
    """The texts of a list, or the one text, each with where it stands."""
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, list):
        yield from (((at,), item) for at, item in enumerate(value) if isinstance(item, str))


def _check_name(fields: Fields, name: str, *parts: str | int) -> None:
    """Report a name that is none, or that Envoy lets nobody touch."""
    if name.lower() == "host" or name.startswith(":"):
        message = "Envoy lets nobody change this header here"
        hint = "host_rewrite sets the host that is sent to the upstream"
        if name.lower() not in {"host", ":authority"}:
            hint = "rewrite and regex_rewrite change the path" if name == ":path" else ""
        fields.report(Code.INVALID_VALUE, message, *parts, got=shown(name), hint=hint)
    elif not is_token(name):
        fields.report(Code.INVALID_VALUE, "not the name of a header", *parts, got=shown(name))
