"""Conditions as matchers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy.routes.matchers import authority_regex
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.regex import full_match
from tests.support.routing import exact, prefix, route_match, rule

LABELS = st.text(alphabet="ab-.1", min_size=1, max_size=6)
HOSTS = st.one_of(
    st.just(ANY_HOST),
    LABELS.map(lambda value: HostMatch(MatchKind.EXACT, value)),
    LABELS.map(lambda value: HostMatch(MatchKind.SUFFIX, f".{value}")),
    LABELS.map(lambda value: HostMatch(MatchKind.PREFIX, f"{value}.")),
    st.sampled_from(["a|b", "a+", "[ab]\\.1", "(?s)a.b"]).map(lambda value: HostMatch(MatchKind.REGEX, value)),
)
EXACT = HostMatch(MatchKind.EXACT, "a.test")
SUFFIX = HostMatch(MatchKind.SUFFIX, ".test")


@given(host=HOSTS, asked=LABELS, port=st.sampled_from(["", ":80", ":8443"]))
def test_authority_means_the_same_host(host: HostMatch, asked: str, port: str) -> None:
    """The condition on ``:authority`` holds for exactly the hosts that are meant, in any case, with any port."""
    assert full_match(authority_regex(host), asked.upper() + port) == host.matches(asked)


@pytest.mark.parametrize(
    ("host", "domain", "conditions"),
    [
        (ANY_HOST, ANY_HOST, []),
        (ANY_HOST, EXACT, []),
        (EXACT, EXACT, []),
        (SUFFIX, EXACT, []),
        (EXACT, SUFFIX, [":authority"]),
        (SUFFIX, ANY_HOST, [":authority"]),
        (HostMatch(MatchKind.REGEX, "a\\..*"), SUFFIX, [":authority"]),
    ],
)
def test_host_is_a_condition_only_where_needed(host: HostMatch, domain: HostMatch, conditions: list[str]) -> None:
    """A rule asks for its host only in a virtual host that is wider."""
    assert [header.name for header in route_match(rule("r", "/", "c", host=host), domain).headers] == conditions


def test_whole_match() -> None:
    """Every condition of a rule is in its match."""
    wanted = rule(
        "r",
        prefix("/a/", case_sensitive=False),
        "c",
        host=EXACT,
        method=exact("GET"),
        headers={"x-b": exact("1")},
        query={"q": exact("2")},
        threshold=30,
    )
    match = route_match(wanted, ANY_HOST)
    assert (match.prefix, match.case_sensitive.value) == ("/a/", False)
    assert [header.name for header in match.headers] == [":method", ":authority", "x-b"]
    assert [(query.name, query.string_match.exact) for query in match.query_parameters] == [("q", "2")]
    assert match.runtime_fraction.default_value.numerator == 30


def test_plain_match_is_plain() -> None:
    """What is not asked for is not rendered: every matcher costs every request."""
    match = route_match(rule("r", "/a/", "c"), ANY_HOST)
    assert match == type(match)(prefix="/a/")
