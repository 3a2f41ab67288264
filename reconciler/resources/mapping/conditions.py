"""The conditions of a Mapping: host, path, method, headers and query parameters."""

from typing import TypeAlias

from reconciler.model.paths import escaped, impossible, normalised
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import ANY_HOST, HostMatch, MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.resources.edge.hosts import GLOBS, InvalidHost, parse_host
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.patterns import check_pattern, has_control_characters, is_token

Matches: TypeAlias = tuple[NamedMatch, ...]

AUTHORITY = ":authority"
_PSEUDO_HEADERS = frozenset({":method", ":path", ":scheme"})
_LONGEST_PARAMETER = 1024  # QueryParameterMatcher.name
_COMMON_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_PRESENT = StringMatch(MatchKind.PRESENT)


def read_path(fields: Fields) -> PathMatch | None:
    """What the path must be; None when it was reported."""
    prefix = fields.text("prefix")
    regex, exact = fields.flag("prefix_regex"), fields.flag("prefix_exact")
    case_sensitive = fields.flag("case_sensitive", default=True)
    if regex and exact:
        fields.report(Code.FIELDS_CONTRADICT, "prefix_regex and prefix_exact exclude each other", "prefix_exact")
    if prefix is None:
        return None
    if regex:
        if not case_sensitive:
            fields.ignored("case_sensitive", "a regular expression says for itself", hint="begin the prefix with (?i)")
        check_pattern(prefix, fields, "prefix")
        return PathMatch(MatchKind.REGEX, prefix)
    _check_prefix(fields, prefix, whole=exact)
    return PathMatch(MatchKind.EXACT if exact else MatchKind.PREFIX, prefix, case_sensitive)


def _check_prefix(fields: Fields, prefix: str, *, whole: bool) -> None:
    """Report a path that no request comes with, for which Envoy takes it in silence.

    Case makes no difference to that, so that it goes for ``case_sensitive: false`` as well.
    """
    message, expected, hint = "it matches no path", "", ""
    if not prefix.startswith("/"):
        expected, hint = "/ first", "a regular expression needs prefix_regex: true"
    elif any(mark in prefix for mark in "?#"):
        message += ": a path holds no ? or #"
        hint = "write query parameters under query_parameters"
    elif why := impossible(prefix, whole=whole):
        message += f": {why}"
        meant = normalised(escaped(prefix))
        expected = "" if meant is None else shown(meant)
        hint = "a template needs prefix_regex: true, as in /users/[^/]+/" if "{" in prefix else ""
    else:
        return
    fields.report(Code.INVALID_VALUE, message, "prefix", expected=expected, got=shown(prefix), hint=hint)


def read_method(fields: Fields) -> StringMatch | None:
    """Which methods; None for all."""
    method, regex = fields.text("method"), fields.flag("method_regex")
    if method is None:
        if regex and not fields.given("method"):
            fields.ignored("method_regex", "there is no method")
        return None
    if regex:
        check_pattern(method, fields, "method")
        return StringMatch(MatchKind.REGEX, method)
    if not is_token(method):
        hint = "several methods need method_regex: true, as in GET|HEAD"
        fields.report(Code.INVALID_VALUE, "not a method", "method", got=shown(method), hint=hint)
    elif method not in _COMMON_METHODS and method.upper() in _COMMON_METHODS:
        message = "methods compare with case: it matches no usual request"
        expected, warning = method.upper(), Severity.WARNING
        fields.report(Code.INVALID_VALUE, message, "method", severity=warning, expected=expected, got=method)
    return StringMatch(MatchKind.EXACT, method)


def read_headers(fields: Fields) -> Matches:
    """The header conditions but ``:authority``, sorted."""
    found: list[NamedMatch] = []
    for field, regex in (("headers", False), ("regex_headers", True)):
        if field not in fields.values:
            continue
        inside = fields.inside(field)
        for name, value in inside.values.items():
            if name.lower() == AUTHORITY:
                continue
            if not is_token(name) and name.lower() not in _PSEUDO_HEADERS:
                inside.report(Code.INVALID_VALUE, "not the name of a header", name, got=shown(name))
            found.append(NamedMatch(name.lower(), _value(inside, name, value, regex=regex)))
        names = {match.name for match in found}
        if not regex and len(names) < len(found):
            message = "two of the names differ only in case: no request has both"
            fields.report(Code.FIELDS_CONTRADICT, message, field)
    return tuple(sorted(found))


def read_query(fields: Fields) -> Matches:
    """The query parameter conditions, sorted."""
    found: list[NamedMatch] = []
    for field, regex in (("query_parameters", False), ("regex_query_parameters", True)):
        if field not in fields.values:
            continue
        inside = fields.inside(field)
        for name, value in inside.values.items():
            if not 0 < len(name.encode()) <= _LONGEST_PARAMETER or has_control_characters(name):
                expected = f"1 to {_LONGEST_PARAMETER} bytes without control characters"
                inside.report(Code.INVALID_VALUE, "not a query parameter", name, expected=expected)
            found.append(NamedMatch(name, _value(inside, name, value, regex=regex)))
    return tuple(sorted(found))


def _value(inside: Fields, name: str, value: object, *, regex: bool) -> StringMatch:
    """One condition; ``true`` asks for presence in the older versions. Values are never shown: they may be secret."""
    if not isinstance(value, str):
        return _PRESENT
    if regex:
        check_pattern(value, inside, name, private=True)
        return StringMatch(MatchKind.REGEX, value)
    if has_control_characters(value):
        inside.report(Code.INVALID_VALUE, "the value holds control characters, which no request carries", name)
    return StringMatch(MatchKind.EXACT, value)


def read_host(fields: Fields, version: str) -> HostMatch | None:
    """Which hosts; None when nothing says so and only a Host can place the Mapping (v3alpha1).

    ``:authority`` among the headers is the same condition by another name.
    """
    given = [*_host_fields(fields, version), *_authority(fields)]
    narrow = [(name, host) for name, host in given if host != ANY_HOST]
    if len({host for _, host in narrow}) > 1:
        names = " and ".join(name for name, _ in narrow)
        fields.report(Code.FIELDS_CONTRADICT, f"{names} ask for different hosts", narrow[-1][0].partition(".")[0])
    if narrow:
        return narrow[0][1]
    return ANY_HOST if given or version != "v3alpha1" else None


def _host_fields(fields: Fields, version: str) -> list[tuple[str, HostMatch]]:
    given: list[tuple[str, HostMatch]] = []
    hostname, host, regex = fields.text("hostname"), fields.text("host"), fields.flag("host_regex")
    if hostname is not None:
        given.append(("hostname", _host(fields, hostname, "hostname", globs=True)))
    if regex and not fields.given("host"):
        fields.ignored("host_regex", "it is about host, which is not given")
    if host is not None:
        if regex:
            check_pattern(host, fields, "host")
            given.append(("host", HostMatch(MatchKind.REGEX, host)))
        else:
            given.append(("host", _host(fields, host, "host", globs=version != "v3alpha1")))
    return given


def _authority(fields: Fields) -> list[tuple[str, HostMatch]]:
    given: list[tuple[str, HostMatch]] = []
    for field, regex in (("headers", False), ("regex_headers", True)):
        if field not in fields.values:
            continue
        inside = fields.inside(field)
        for name, value in inside.values.items():
            if name.lower() != AUTHORITY or not isinstance(value, str):
                continue
            if regex:
                check_pattern(value, inside, name)
                given.append((f"{field}.{name}", HostMatch(MatchKind.REGEX, value)))
            else:
                given.append((f"{field}.{name}", _host(inside, value, name, globs=False)))
    return given


def _host(fields: Fields, text: str, name: str, *, globs: bool) -> HostMatch:
    try:
        return parse_host(text, globs=globs)
    except InvalidHost as why:
        expected = GLOBS if globs else "a host name"
        fields.report(Code.INVALID_VALUE, str(why), name, expected=expected, got=shown(text))
        return ANY_HOST
