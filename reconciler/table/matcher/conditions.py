"""The conditions of a rule, with Envoy's meaning, and in words why one does not hold.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-routematch
"""

from collections.abc import Iterable

from reconciler.model.regex import full_match
from reconciler.model.resource import HostMatch, MatchKind, PathMatch, StringMatch
from reconciler.model.table import Route
from reconciler.table.matcher.seen import Seen


def path_holds(path: PathMatch, value: str) -> bool:
    """Whether the path of a request, without its query, is meant."""
    wanted = path.value
    if path.kind is MatchKind.REGEX:
        return full_match(wanted if path.case_sensitive else f"(?i){wanted}", value)
    if not path.case_sensitive:
        wanted, value = wanted.lower(), value.lower()
    return value == wanted if path.kind is MatchKind.EXACT else value.startswith(wanted)


def host_holds(host: HostMatch, seen: Seen) -> bool:
    """Whether the host of a request is meant, whatever its port; a regex may ask for the port as well."""
    return host.matches(seen.host) or (host.kind is MatchKind.REGEX and host.matches(seen.authority))


def string_holds(match: StringMatch, value: str) -> bool:
    """Whether a value that is there is meant."""
    match match.kind:
        case MatchKind.EXACT:
            return value == match.value
        case MatchKind.PREFIX:
            return value.startswith(match.value)
        case MatchKind.SUFFIX:
            return value.endswith(match.value)
        case MatchKind.REGEX:
            return full_match(match.value, value)
        case _:
            return True


def first_failure(route: Route, seen: Seen) -> str:
    """The first condition of a rule that a request does not meet, in words; empty when it meets all.

    The random number of weighted rules is no condition here.
    """
    if not path_holds(route.path, seen.path):
        return f"the path {_path_wish(route.path)}"
    if not host_holds(route.host, seen):
        return f"the host {_host_wish(route.host)}"
    if route.method is not None and not string_holds(route.method, seen.headers[":method"][0]):
        return f"the method {_wish(route.method)}"
    for header in route.headers:
        failure = _failure(header.match, seen.headers.get(header.name, ()))
        if failure:
            return f"the header `{header.name}` {failure}"
    for parameter in route.query:
        first = seen.query.get(parameter.name)
        failure = _failure(parameter.match, () if first is None else (first,))
        if failure:
            return f"the query parameter `{parameter.name}` {failure}"
    return ""


def _failure(match: StringMatch, values: Iterable[str]) -> str:
    """Why no value is meant. Each one counts by itself, as in Envoy 1.40 (older ones join them with commas)."""
    values = tuple(values)
    if not values:
        return "is missing"
    return "" if any(string_holds(match, value) for value in values) else _wish(match)


def _wish(match: StringMatch) -> str:
    match match.kind:
        case MatchKind.REGEX:
            return f"does not match `{match.value}` as a whole"
        case MatchKind.PREFIX:
            return f"does not start with `{match.value}`"
        case MatchKind.SUFFIX:
            return f"does not end with `{match.value}`"
        case _:
            return f"is not `{match.value}`"


def _path_wish(path: PathMatch) -> str:
    ignoring = "" if path.case_sensitive else ", whatever the case"
    return _wish(StringMatch(path.kind, path.value)) + ignoring


def _host_wish(host: HostMatch) -> str:
    return _wish(StringMatch(host.kind, host.value)) if host.kind is MatchKind.REGEX else f"is not of `{host}`"
