"""What the paths that a route matches begin with."""

import pytest
from envoy.config.route.v3.route_components_pb2 import RouteMatch
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.envoy.routes.anchors import anchor, takes_all
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind, PathMatch
from reconciler.model.regex import full_match, literal_head
from tests.support.routing import PRESENT, exact, prefix, route_match, rule

PREFIX, EXACT, REGEX = MatchKind.PREFIX, MatchKind.EXACT, MatchKind.REGEX


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (PathMatch(PREFIX, "/api/"), "/api/"),
        (PathMatch(EXACT, "/em"), "/em"),
        (PathMatch(PREFIX, "/1.0/API/x", case_sensitive=False), "/1.0/"),
        (PathMatch(EXACT, "/_é", case_sensitive=False), "/_"),
        (PathMatch(PREFIX, "/é"), "/é"),
        (PathMatch(REGEX, "/api/v[0-9]+/.*"), "/api/v"),
        (PathMatch(REGEX, "/api/(v1|v2)/.*"), "/api/v"),
        (PathMatch(REGEX, "/a\\.b\\Q.*\\E/?"), "/a.b.*"),
        (PathMatch(REGEX, "^/a/.*$"), "/a/"),
        (PathMatch(REGEX, "\\A/ab*"), "/a"),
        (PathMatch(REGEX, "/a|/b/"), "/"),
        (PathMatch(REGEX, "/a|b"), ""),
        (PathMatch(REGEX, ".*/a"), ""),
        (PathMatch(REGEX, "/(é|è)"), "/"),
        (PathMatch(REGEX, "(?i)/api"), "/"),
        (PathMatch(REGEX, "/api/.*", case_sensitive=False), "/"),
        (PathMatch(REGEX, "(/a)?/b"), "/"),
        (PathMatch(REGEX, "/a{0,2}b"), "/"),
        (PathMatch(REGEX, "/(a"), ""),
    ],
)
def test_anchors(path: PathMatch, found: str) -> None:
    """As long as can be told; of two spellings what comes before them; of a broken pattern nothing."""
    assert anchor(route_match(rule("r", path, "c"), ANY_HOST)) == found


def test_an_unknown_way_to_match_has_none() -> None:
    """What is not known may match anything."""
    assert anchor(RouteMatch(path_separated_prefix="/a")) == ""


def test_what_takes_all() -> None:
    """A prefix without any other condition, that paths can begin with."""
    assert takes_all(route_match(rule("r", "/a", "c"), ANY_HOST))
    host = HostMatch(EXACT, "a.test")
    others = [
        rule("r", prefix("/a", case_sensitive=False), "c"),
        rule("r", PathMatch(EXACT, "/a"), "c"),
        rule("r", PathMatch(REGEX, "/a.*"), "c"),
        rule("r", "/a?b", "c"),
        rule("r", "/a#b", "c"),
        rule("r", "/a", "c", method=exact("GET")),
        rule("r", "/a", "c", headers={"x": PRESENT}),
        rule("r", "/a", "c", query={"x": exact("1")}),
        rule("r", "/a", "c", threshold=100),
        rule("r", "/a", "c", host=host),
    ]
    assert not [one for one in others if takes_all(route_match(one, ANY_HOST))]
    assert takes_all(route_match(rule("r", "/a", "c", host=host), host))
    assert not takes_all(route_match(rule("r", "/a", "c", host=HostMatch(REGEX, "b.*")), host))


_TEXTS = st.text("/abAB.é", min_size=1, max_size=4)
# A pattern, and texts that it may match.
_Sampled = tuple[str, list[str]]


def _quantified(part: _Sampled, quantifier: str) -> _Sampled:
    pattern, samples = part
    once, many = samples, [a + b for a in samples for b in samples]
    none = [""] if quantifier[0] in "*?" or quantifier.startswith("{0") else []
    return f"(?:{pattern}){quantifier}", [*none, *once, *many][:8]


def _joined(parts: list[_Sampled]) -> _Sampled:
    samples = [""]
    for _, more in parts:
        samples = [a + b for a in samples for b in more][:8]
    return "".join(pattern for pattern, _ in parts), samples


_ATOMS = st.one_of(
    _TEXTS.map(lambda text: (text.replace(".", "\\."), [text])),
    _TEXTS.map(lambda text: (f"\\Q{text}\\E", [text])),
    st.sampled_from([(".", ["a", "é"]), ("[ab]", ["a", "b"]), ("[^a]", ["b", "/"]), ("\\w", ["a"]), ("\\pL", ["é"])]),
    st.sampled_from([("^", [""]), ("\\A", [""]), ("$", [""]), ("\\b", [""]), ("\\B", [""]), ("(?i)", [""])]),
    _TEXTS.map(lambda text: (f"(?i:{text.replace('.', chr(92) + '.')})", [text, text.swapcase(), text.upper()])),
    st.just(("[[:alpha:]]", ["a", "B"])),
    st.just(("\\x2f", ["/"])),
    st.just(("(?s:.)", ["\n", "a"])),
    st.just(("(?i:k)", ["k", "K", "\u212a"])),
)
_PATTERNS = st.recursive(
    _ATOMS,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=4).map(_joined),
        st.tuples(parts, st.sampled_from(["*", "?", "+", "{0,2}", "{1,2}", "{0}", "{2}", "*?"])).map(
            lambda pair: _quantified(*pair)
        ),
        st.lists(parts, min_size=1, max_size=3).map(
            lambda found: ("(" + "|".join(p for p, _ in found) + ")", [s for _, samples in found for s in samples][:8])
        ),
        st.lists(parts, min_size=1, max_size=3).map(
            lambda found: ("|".join(p for p, _ in found), [s for _, samples in found for s in samples][:8])
        ),
    ),
    max_leaves=8,
)


@given(_PATTERNS, st.lists(st.text("/abkABK.é\n", max_size=6), max_size=10))
@example(("(?i)k", ["\u212a"]), [])
@example(("x" * 300, ["x" * 300]), [])
@example(("é" * 200, ["é" * 200]), [])
def test_whatever_a_pattern_matches_begins_with_its_head(sampled: _Sampled, others: list[str]) -> None:
    """For texts that it was made to match, and any others."""
    pattern, samples = sampled
    head = literal_head(pattern)
    for text in (*samples, *others, *(head[:end] for end in range(len(head)))):
        assert text.startswith(head) or not full_match(pattern, text)
