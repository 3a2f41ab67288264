"""What the fields of a Mapping mean."""

from typing import Any

import pytest

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import (
    ANY_HOST,
    HostMatch,
    MatchKind,
    NamedMatch,
    PathMatch,
    Redirect,
    RedirectCode,
    RegexRewrite,
    Scheme,
    ServiceAddress,
    StringMatch,
)
from tests.support.documents import load_text, mapping, old, only_mapping, refusal, spec, warned_mapping


def test_defaults() -> None:
    """Every default of the language."""
    resource = mapping(spec())
    assert resource.host is None
    assert resource.path == PathMatch(MatchKind.PREFIX, "/p/", case_sensitive=True)
    assert (resource.method, resource.headers, resource.query) == (None, (), ())
    assert resource.service == ServiceAddress("s.default", 80)
    assert (resource.redirect, resource.rewrite, resource.regex_rewrite) == (None, "/", None)
    assert (resource.host_rewrite, resource.auto_host_rewrite) == (None, False)
    assert (resource.timeout_ms, resource.precedence, resource.weight, resource.shadow) == (None, 0, None, False)


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({"hostname": "*"}, ANY_HOST),
        ({"hostname": "A.Example.com"}, HostMatch(MatchKind.EXACT, "a.example.com")),
        ({"hostname": "*.x.org"}, HostMatch(MatchKind.SUFFIX, ".x.org")),
        ({"hostname": "x.*"}, HostMatch(MatchKind.PREFIX, "x.")),
        ({"host": "a.b"}, HostMatch(MatchKind.EXACT, "a.b")),
        ({"host": "a[0-9]+", "host_regex": True}, HostMatch(MatchKind.REGEX, "a[0-9]+")),
        ({"headers": {":authority": "a.b"}}, HostMatch(MatchKind.EXACT, "a.b")),
        ({"hostname": "*", "headers": {":authority": "a.b"}}, HostMatch(MatchKind.EXACT, "a.b")),
        ({"regex_headers": {":authority": "a.*"}}, HostMatch(MatchKind.REGEX, "a.*")),
        ({"hostname": "[::1]"}, HostMatch(MatchKind.EXACT, "[::1]")),
    ],
)
def test_hosts(fields: dict[str, Any], host: HostMatch) -> None:
    """Every way to name a host; ``:authority`` is one of them and no header."""
    resource = mapping(spec(**fields))
    assert (resource.host, resource.headers) == (host, ())


def test_hosts_of_the_older_versions() -> None:
    """Before v3alpha1 no host means all, and ``host`` takes globs."""
    assert mapping(old()).host == ANY_HOST
    assert mapping(old(host="*")).host == ANY_HOST
    assert mapping(old(host="*.x")).host == HostMatch(MatchKind.SUFFIX, ".x")
    assert refusal(old(hostname="x")).code is Code.UNKNOWN_FIELD
    assert "write host" in refusal(old(hostname="x")).hint


@pytest.mark.parametrize(
    "fields",
    [{"hostname": "a*b"}, {"hostname": "*x"}, {"hostname": "x*"}, {"hostname": "**"}, {"hostname": "*.*"},
     {"hostname": "a.b:80"}, {"hostname": "bücher.de"}, {"hostname": "a b"}, {"host": "*"}, {"host": "*.x"},
     {"headers": {":authority": "*.x"}}, {"hostname": ""}],
)  # fmt: skip
def test_impossible_hosts(fields: dict[str, Any]) -> None:
    """A host that matches nothing is an error."""
    assert refusal(spec(**fields)).code is Code.INVALID_VALUE


def test_contradicting_hosts() -> None:
    """The peer lets one of two hosts win in silence; here it is an error."""
    assert refusal(spec(hostname="a.b", host="c.d")).code is Code.FIELDS_CONTRADICT
    assert refusal(spec(hostname="a.b", headers={":authority": "c.d"})).code is Code.FIELDS_CONTRADICT
    assert mapping(spec(hostname="a.b", host="A.b")).host == HostMatch(MatchKind.EXACT, "a.b")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"prefix": "/a"}, PathMatch(MatchKind.PREFIX, "/a")),
        ({"prefix": "/a", "prefix_exact": True}, PathMatch(MatchKind.EXACT, "/a")),
        ({"prefix": "/a/[0-9]+", "prefix_regex": True}, PathMatch(MatchKind.REGEX, "/a/[0-9]+")),
        ({"prefix": "/a", "case_sensitive": False}, PathMatch(MatchKind.PREFIX, "/a", case_sensitive=False)),
    ],
)
def test_paths(fields: dict[str, Any], path: PathMatch) -> None:
    """The three kinds of path; each keeps the default rewrite."""
    resource = mapping(spec(**fields))
    assert (resource.path, resource.rewrite) == (path, "/")


@pytest.mark.parametrize("prefix", ["a/", "", "*", "/a?b=c", "/a#b", "/a\nb", "/%00"])
def test_impossible_prefixes(prefix: str) -> None:
    """Envoy takes a prefix that can match no path; here it is an error."""
    assert refusal(spec(prefix=prefix)).code is Code.INVALID_VALUE


@pytest.mark.parametrize(
    ("prefix", "instead"),
    [("/a/../b/", "/b/"), ("/a/./b", "/a/b"), ("/%61/", "/a/"), ("/sp ace/", "/sp%20ace/"), ("/\u00fc/", "/%C3%BC/"),
     ("/a\\b", "/a/b"), ("/users/{id}/", "/users/%7Bid%7D/")],
)  # fmt: skip
@pytest.mark.parametrize("fields", [{}, {"prefix_exact": True}, {"case_sensitive": False}])
def test_prefixes_no_normalised_path_has(fields: dict[str, Any], prefix: str, instead: str) -> None:
    """A prefix that Envoy would spell otherwise before it matches is an error with that spelling; a regex is not."""
    problem = refusal(spec(prefix=prefix, **fields))
    assert (problem.code, problem.expected) == (Code.INVALID_VALUE, f'"{instead}"')
    assert mapping(spec(prefix="/a/../{1}", prefix_regex=True)).path.kind is MatchKind.REGEX


def test_prefixes_that_may_go_on() -> None:
    """A prefix is only a beginning: ``/a/..`` is that of ``/a/..b``; as a whole path it is none."""
    for prefix in ("/a/..", "/a/.", "/a%2Fb", "/a%6", "//a"):
        assert mapping(spec(prefix=prefix)).path.value == prefix
    assert refusal(spec(prefix="/a/..", prefix_exact=True)).expected == '"/"'


def test_path_kinds_exclude_each_other() -> None:
    """A path is a pattern or exact, not both."""
    assert refusal(spec(prefix_regex=True, prefix_exact=True)).code is Code.FIELDS_CONTRADICT


def test_case_of_patterns() -> None:
    """``case_sensitive`` says nothing to a pattern: a warning says what does."""
    resource, problem = warned_mapping(spec(prefix="/a", prefix_regex=True, case_sensitive=False))
    assert resource.path == PathMatch(MatchKind.REGEX, "/a")
    assert (problem.code, problem.severity) == (Code.FIELD_IGNORED, Severity.WARNING)


def test_methods() -> None:
    """Methods are tokens or patterns."""
    assert mapping(spec(method="PURGE")).method == StringMatch(MatchKind.EXACT, "PURGE")
    assert mapping(spec(method="GET|HEAD", method_regex=True)).method == StringMatch(MatchKind.REGEX, "GET|HEAD")
    assert refusal(spec(method="GET, HEAD")).code is Code.INVALID_VALUE
    assert refusal(spec(method="(", method_regex=True)).code is Code.BAD_REGEX
    assert warned_mapping(spec(method="get"))[1].expected == "GET"
    assert warned_mapping(spec(method_regex=True))[1].code is Code.FIELD_IGNORED


def test_headers_and_parameters() -> None:
    """Conditions are sorted; names of headers are lower case, those of parameters as written."""
    resource = mapping(
        spec(
            headers={"X-B": "1", "x-a": "2"},
            regex_headers={"X-C": "a+"},
            query_parameters={"Q": "v"},
            regex_query_parameters={"a": ".*"},
        )
    )
    assert resource.headers == (
        NamedMatch("x-a", StringMatch(MatchKind.EXACT, "2")),
        NamedMatch("x-b", StringMatch(MatchKind.EXACT, "1")),
        NamedMatch("x-c", StringMatch(MatchKind.REGEX, "a+")),
    )
    assert resource.query == (
        NamedMatch("Q", StringMatch(MatchKind.EXACT, "v")),
        NamedMatch("a", StringMatch(MatchKind.REGEX, ".*")),
    )


@pytest.mark.parametrize("field", ["headers", "regex_headers"])
def test_presence(field: str) -> None:
    """``true`` asks for presence in the older versions and is refused in the current one."""
    assert mapping(old(**{field: {"X-A": True}})).headers == (NamedMatch("x-a", StringMatch(MatchKind.PRESENT)),)
    assert mapping(old(query_parameters={"q": True})).query == (NamedMatch("q", StringMatch(MatchKind.PRESENT)),)
    problem = refusal(spec(**{field: {"X-A": True}}))
    assert problem.code is Code.WRONG_TYPE
    assert ".*" in problem.hint
    assert refusal(old(**{field: {"X-A": False}})).code is Code.WRONG_TYPE


@pytest.mark.parametrize(
    "fields",
    [{"headers": {"x a": "1"}}, {"headers": {"": "1"}}, {"headers": {"x": "a\r\nb"}}, {"headers": {":other": "1"}},
     {"headers": {"x": ""}}, {"query_parameters": {"": "1"}}, {"query_parameters": {"q" * 1025: "1"}},
     {"query_parameters": {"q": "a\n"}}],
)  # fmt: skip
def test_impossible_conditions(fields: dict[str, Any]) -> None:
    """Names and values that no request carries are errors."""
    assert refusal(spec(**fields)).code is Code.INVALID_VALUE


def test_headers_that_differ_in_case() -> None:
    """One header cannot have two exact values."""
    assert refusal(spec(headers={"X": "1", "x": "2"})).code is Code.FIELDS_CONTRADICT


@pytest.mark.parametrize(
    ("written", "read"), [("", None), (None, None), ("/", "/"), ("/model/:predict", "/model/:predict")]
)
def test_rewrite(written: str | None, read: str | None) -> None:
    """An empty rewrite, or null, leaves the path alone."""
    assert mapping(spec(rewrite=written)).rewrite == read


@pytest.mark.parametrize(
    ("text", "instead"),
    [("/a b", "/a%20b"), ("/\u00fc", "/%C3%BC"), ("/a\nb", "/a%0Ab"), ("/a\x7f", "/a%7F"), ("/a#b", "/a%23b")],
)
def test_paths_nobody_takes(text: str, instead: str) -> None:
    """What Envoy would send on and every recipient refuse is an error with its spelling; locations have fragments."""
    rule = {"pattern": "a", "substitution": text}
    sent: list[dict[str, Any]] = [{"rewrite": text}, {"regex_rewrite": rule}]
    told: list[dict[str, Any]] = [{"path_redirect": text}, {"prefix_redirect": text}, {"regex_redirect": rule}]
    for fields in [*sent, *({"host_redirect": True} | fields for fields in told)]:
        if "#" in text and "host_redirect" in fields:
            assert mapping(spec(**fields)).redirect
        else:
            problem = refusal(spec(**fields))
            assert (problem.code, problem.expected) == (Code.INVALID_VALUE, f'"{instead}"')


def test_paths_that_are_taken() -> None:
    """All of visible ASCII, escapes and a query."""
    text = '/a%20b%/"<>^`{|}~?x=1'
    assert mapping(spec(rewrite=text)).rewrite == text


def test_regex_rewrite() -> None:
    """It takes the place of the default rewrite, and wins over one that is given, with a warning."""
    rule = {"pattern": "/a/(.*)", "substitution": r"/\1"}
    resource = mapping(spec(regex_rewrite=rule))
    assert (resource.regex_rewrite, resource.rewrite) == (RegexRewrite("/a/(.*)", r"/\1"), None)
    resource, problem = warned_mapping(spec(regex_rewrite=rule, rewrite="/b"))
    assert resource.rewrite is None
    assert (problem.code, problem.field) == (Code.FIELD_IGNORED, "spec.rewrite")


@pytest.mark.parametrize(
    ("rule", "code"),
    [({"pattern": "(", "substitution": ""}, Code.BAD_REGEX),
     ({"pattern": "(a)", "substitution": r"\2"}, Code.INVALID_VALUE),
     ({"pattern": "a", "substitution": r"\1"}, Code.INVALID_VALUE),
     ({"pattern": "a", "substitution": r"\x"}, Code.INVALID_VALUE),
     ({"pattern": "a", "substitution": "a\\"}, Code.INVALID_VALUE),
     ({"pattern": "a", "substitution": "a\nb"}, Code.INVALID_VALUE),
     ({"pattern": "a"}, Code.MISSING_FIELD), ({}, Code.MISSING_FIELD), ("a", Code.WRONG_TYPE),
     ({"pattern": "", "substitution": ""}, Code.INVALID_VALUE)],
)  # fmt: skip
def test_wrong_regex_rewrites(rule: object, code: Code) -> None:
    """Also a reference to a missing group is an error: Envoy would take it and rewrite nothing."""
    loaded = load_text(spec(regex_rewrite=rule))
    assert {p.code for p in loaded.problems} == {code}
    assert loaded.resources == ()


@pytest.mark.parametrize(
    ("pattern", "expected", "has"), [("a", r"\0", "none"), ("(a)", r"\0 or \1", "1"), ("(a)(b)", r"\0 to \2", "2")]
)
def test_missing_groups(pattern: str, expected: str, has: str) -> None:
    """What may be referred to stands under expected, as what may be written."""
    problem = refusal(spec(regex_rewrite={"pattern": pattern, "substitution": r"\7"}))
    assert (problem.message, problem.expected) == (rf"\7 names no group: the pattern has {has}", expected)


def test_right_substitutions() -> None:
    """The whole match, a group and a backslash."""
    rule = {"pattern": "(a)(b)", "substitution": r"\0\2\\"}
    assert mapping(spec(regex_rewrite=rule)).regex_rewrite == RegexRewrite("(a)(b)", r"\0\2\\")


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "a{1001}", "[", "a**"])
def test_re2_refuses(pattern: str) -> None:
    """Patterns RE2 has no use for are found here, in its words."""
    problem = refusal(spec(prefix=pattern, prefix_regex=True))
    assert problem.code is Code.BAD_REGEX
    assert "RE2 refuses" in problem.message


def test_re2_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """A refused pattern writes nothing anywhere."""
    refusal(spec(prefix="(", prefix_regex=True))
    assert capfd.readouterr() == ("", "")


def test_pattern_sizes() -> None:
    """A pattern too long, or one that Envoy would refuse for its program, is an error."""
    assert refusal(spec(prefix="/" + "a" * 1000, prefix_regex=True)).expected == "at most 1000"
    assert "instructions" in refusal(spec(prefix="/[a-f0-9]{99,200}", prefix_regex=True)).expected


def test_host_rewrites() -> None:
    """The host header can be given or taken from the upstream, not both."""
    assert mapping(spec(host_rewrite="httpbin.org")).host_rewrite == "httpbin.org"
    assert mapping(spec(auto_host_rewrite=True)).auto_host_rewrite
    assert refusal(spec(host_rewrite="a", auto_host_rewrite=True)).code is Code.FIELDS_CONTRADICT
    assert mapping(spec(host_rewrite="[::1]:80")).host_rewrite == "[::1]:80"


@pytest.mark.parametrize(
    ("host", "hint"),
    [("a\nb", ""), ("a b", ""), ("https://a.b", "scheme"), ("a/b", "path"), ("b\u00fccher.de", "xn--"), ("a@b", "")],
)
def test_host_rewrites_nobody_takes(host: str, hint: str) -> None:
    """What is no host header is an error: Envoy would send it, and the upstream refuse it."""
    problem = refusal(spec(host_rewrite=host))
    assert (problem.code, problem.expected) == (Code.INVALID_VALUE, "host[:port]")
    assert hint in problem.hint


def test_redirects() -> None:
    """With ``host_redirect`` the service is where to redirect to."""
    resource = mapping(spec(host_redirect=True, service="www.example.com:8443"))
    assert (resource.service, resource.redirect) == (None, Redirect("www.example.com:8443"))
    resource = mapping(spec(host_redirect=True, path_redirect="/b", redirect_response_code=307))
    assert resource.redirect == Redirect("s", path="/b", code=RedirectCode.TEMPORARY)
    assert mapping(spec(host_redirect=True, prefix_redirect="/b")).redirect == Redirect("s", prefix="/b")
    rule = {"pattern": "a", "substitution": "b"}
    assert mapping(spec(host_redirect=True, regex_redirect=rule)).redirect == Redirect(
        "s", regex=RegexRewrite("a", "b")
    )


@pytest.mark.parametrize(
    ("service", "scheme"),
    [("x.org:8443", None), ("http://x.org:8443", Scheme.HTTP), ("HTTPS://x.org:8443", Scheme.HTTPS)],
)
def test_the_scheme_of_a_redirect(service: str, scheme: Scheme | None) -> None:
    """A scheme that is written is the one to redirect to; otherwise that of the request stays."""
    assert mapping(spec(host_redirect=True, service=service)).redirect == Redirect("x.org:8443", scheme=scheme)


def test_the_strongest_path_of_a_redirect() -> None:
    """As in the language's other implementation: path before prefix before regex; whatever loses gets a warning."""
    rule = {"pattern": "(", "substitution": "\u00fc"}
    fields = {"host_redirect": True, "path_redirect": "/a", "prefix_redirect": "/b c", "regex_redirect": rule}
    loaded = load_text(spec(**fields))
    assert only_mapping(loaded.resources).redirect == Redirect("s", path="/a")
    assert [(p.code, p.severity, p.field) for p in loaded.problems] == [
        (Code.FIELD_IGNORED, Severity.WARNING, "spec.prefix_redirect"),
        (Code.FIELD_IGNORED, Severity.WARNING, "spec.regex_redirect"),
    ]
    resource, problem = warned_mapping(spec(host_redirect=True, prefix_redirect="/b", regex_redirect=rule))
    assert resource.redirect == Redirect("s", prefix="/b")
    assert problem.message == "regex_redirect has no effect: prefix_redirect is stronger"


@pytest.mark.parametrize(
    "fields",
    [{"path_redirect": "/b"}, {"prefix_redirect": "/b"}, {"regex_redirect": {"pattern": "a", "substitution": "b"}},
     {"host_redirect": True, "shadow": True}],
)  # fmt: skip
def test_contradicting_redirects(fields: dict[str, Any]) -> None:
    """Redirect fields that would be dropped are errors."""
    assert refusal(spec(**fields)).code is Code.FIELDS_CONTRADICT


@pytest.mark.parametrize(
    "fields",
    [{"redirect_response_code": 302}, {"host_redirect": True, "rewrite": "/x"},
     {"host_redirect": True, "host_rewrite": "x"}, {"host_regex": True}],
)  # fmt: skip
def test_fields_without_effect(fields: dict[str, Any]) -> None:
    """A field that does nothing is a warning, and the Mapping is served."""
    assert warned_mapping(spec(**fields))[1].code is Code.FIELD_IGNORED


@pytest.mark.parametrize(
    "fields",
    [{"weight": -1}, {"weight": 101}, {"precedence": 2**31}, {"timeout_ms": -1}, {"timeout_ms": 2**53 - 1},
     {"host_redirect": True, "redirect_response_code": 300}],
)  # fmt: skip
def test_ranges(fields: dict[str, Any]) -> None:
    """Numbers Envoy would refuse are refused here."""
    assert refusal(spec(**fields)).code is Code.INVALID_VALUE


@pytest.mark.parametrize(
    ("fields", "got"),
    [({"timeout_ms": "5s"}, "a string"), ({"timeout_ms": 1.0}, "a number"), ({"weight": True}, "a boolean"),
     ({"prefix": 1}, "an integer"), ({"service": ["a"]}, "a list"), ({"headers": "a"}, "a string"),
     ({"shadow": "yes"}, "a string"), ({"hostname": None}, "null"), ({"host_redirect": "true"}, "a string")],
)  # fmt: skip
def test_types(fields: dict[str, Any], got: str) -> None:
    """Wrong types say what was expected and what was there."""
    problem = refusal(spec(**fields))
    assert problem.code is Code.WRONG_TYPE
    assert problem.expected
    assert problem.got.startswith(got)


def test_numbers() -> None:
    """Weight, precedence, timeout and shadow are taken as given."""
    resource = mapping(spec(weight=20, precedence=-3, timeout_ms=0, shadow=True))
    assert (resource.weight, resource.precedence, resource.timeout_ms, resource.shadow) == (20, -3, 0, True)
