"""Conditions as Envoy matchers.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-routematch
"""

import re

from envoy.config.core.v3.base_pb2 import RuntimeFractionalPercent
from envoy.config.route.v3.route_components_pb2 import HeaderMatcher, QueryParameterMatcher, RouteMatch
from envoy.type.matcher.v3.regex_pb2 import RegexMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from envoy.type.v3.percent_pb2 import FractionalPercent

from reconciler.model.match import HostMatch, MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.model.table import Route

_ANY_PORT = "(?::[0-9]+)?"


def fill_match(message: RouteMatch, route: Route, virtual_host: HostMatch) -> None:
    """All conditions of a rule; its host is one of them where the virtual host holds requests for others too."""
    fill_path(message, route.path)
    if route.method and route.method.kind is not MatchKind.ANY:
        message.headers.append(header_matcher(NamedMatch(":method", route.method)))
    if not route.host.covers(virtual_host):
        message.headers.append(authority_matcher(route.host))
    if route.headers:
        message.headers.extend(header_matcher(match) for match in route.headers)
    if route.query:
        message.query_parameters.extend(query_matcher(match) for match in route.query)
    if route.threshold is not None:
        message.runtime_fraction.CopyFrom(percent(route.threshold))


def fill_path(message: RouteMatch, path: PathMatch) -> None:
    """Prefix, exact or regex; Envoy has no case-insensitive regex, RE2 has (``(?i)``)."""
    if path.kind is MatchKind.REGEX:
        message.safe_regex.regex = path.value if path.case_sensitive else f"(?i){path.value}"
        return
    if path.kind is MatchKind.EXACT:
        message.path = path.value
    else:
        message.prefix = path.value
    if not path.case_sensitive:
        message.case_sensitive.value = False


def header_matcher(wanted: NamedMatch) -> HeaderMatcher:
    """A condition on one header; no match means the header is there, with any value."""
    matcher = string_matcher(wanted.match)
    if matcher is None:
        return HeaderMatcher(name=wanted.name, present_match=True)
    return HeaderMatcher(name=wanted.name, string_match=matcher)


def query_matcher(wanted: NamedMatch) -> QueryParameterMatcher:
    """A condition on one query parameter."""
    matcher = string_matcher(wanted.match)
    if matcher is None:
        return QueryParameterMatcher(name=wanted.name, present_match=True)
    return QueryParameterMatcher(name=wanted.name, string_match=matcher)


def string_matcher(wanted: StringMatch) -> StringMatcher | None:
    """How a value must look; None if any value will do."""
    match wanted.kind:
        case MatchKind.EXACT:
            return StringMatcher(exact=wanted.value)
        case MatchKind.PREFIX:
            return StringMatcher(prefix=wanted.value)
        case MatchKind.SUFFIX:
            return StringMatcher(suffix=wanted.value)
        case MatchKind.REGEX:
            return StringMatcher(safe_regex=regex(wanted.value))
        case _:
            return None


def authority_matcher(host: HostMatch) -> HeaderMatcher:
    """A condition on the host a request asks for, without case and whatever the port, as domains are matched."""
    return HeaderMatcher(name=":authority", string_match=StringMatcher(safe_regex=regex(authority_regex(host))))


def authority_regex(host: HostMatch) -> str:
    """RE2 for a whole ``:authority``; a wildcard stands for at least one character, as in Envoy's domains."""
    match host.kind:
        case MatchKind.ANY:
            name = ".*"
        case MatchKind.SUFFIX:
            name = f".+{re.escape(host.value)}"
        case MatchKind.PREFIX:
            name = f"{re.escape(host.value)}[^:].*"  # the port is no part of the name
        case MatchKind.REGEX:
            name = f"(?:{host.value})"
        case _:
            name = re.escape(host.value)
    return f"(?i){name}{_ANY_PORT}"


def regex(pattern: str) -> RegexMatcher:
    """RE2; Envoy matches it against the whole value."""
    return RegexMatcher(regex=pattern)


def percent(numerator: int) -> RuntimeFractionalPercent:
    """A share of the requests. Envoy draws one number per request, so that rising thresholds add up.

    No runtime key: what is served is what Git says, not what an operator typed into Envoy's admin interface.
    """
    return RuntimeFractionalPercent(
        default_value=FractionalPercent(numerator=numerator, denominator=FractionalPercent.HUNDRED)
    )
