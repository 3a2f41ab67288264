"""The order in which rules are tried."""

from reconciler.model.resource import MappingResource, MatchKind
from reconciler.table import build
from tests.support.mappings import mapping


def order(*mappings: MappingResource) -> list[str]:
    """The names in match order."""
    return [route.name.removeprefix("default/") for route in build(mappings).table.routes]


def test_precedence_comes_first() -> None:
    """A higher number beats a longer path; a negative one loses to all."""
    mappings = [mapping("low", "/long/path/", precedence=-1), mapping("no", "/a/b/"), mapping("hi", "/", precedence=1)]
    assert order(*mappings) == ["hi", "no", "low"]


def test_longer_paths_come_first_whatever_their_kind() -> None:
    """A regex ranks by the length of its pattern; an exact path has no privilege."""
    mappings = [
        mapping("exact", "/abc", kind=MatchKind.EXACT),
        mapping("regex", "/[a-z]+/x", kind=MatchKind.REGEX),
        mapping("prefix", "/abcd"),
    ]
    assert order(*mappings) == ["regex", "prefix", "exact"]


def test_more_header_text_comes_first_and_host_and_method_count() -> None:
    """`:authority` (10) + host, `:method` (7) + method, name + value, one more for a regex, presence as `.*`."""
    mappings = [
        mapping("any-host", host="*"),  # 11
        mapping("method", host="*", method="GET"),  # 21
        mapping("host", host="a.test"),  # 16
        mapping("present", host="*", headers={"hh": None}),  # 16 too: name 2 + 2 + 1
        mapping("exact", host="*", headers={"hh": "1234567"}),  # 20
        mapping("regex", host="*", headers={"hh": "~12345678"}),  # 22
    ]
    names = order(*mappings)
    assert names[:3] == ["regex", "method", "exact"]
    assert names[-1] == "any-host"
    assert set(names[3:5]) == {"host", "present"}


def test_more_query_text_comes_before_the_path_itself() -> None:
    """Query conditions count after headers; with all lengths equal the greater path is first."""
    assert order(mapping("b", "/bb"), mapping("a", "/aa", query={"q": "1"}), mapping("c", "/cc")) == ["a", "c", "b"]


def test_the_method_and_then_the_conditions_decide_descending() -> None:
    """Equal lengths: PUT before GET, then the greater header."""
    assert order(mapping("get", method="GET"), mapping("put", method="PUT")) == ["put", "get"]
    assert order(mapping("one", headers={"h": "1"}), mapping("two", headers={"h": "2"})) == ["two", "one"]


def test_with_everything_equal_the_narrow_one_comes_first() -> None:
    """Exact before prefix, or it could never match; then case-sensitive, then the name."""
    mappings = [
        mapping("a", "/x"),
        mapping("b", "/x", kind=MatchKind.EXACT),
        mapping("c", "/x", kind=MatchKind.EXACT, case_sensitive=False),
    ]
    assert order(*mappings) == ["b", "c", "a"]
    assert order(mapping("n", host=None, labels={}), mapping("a", host="*")) == ["a"]
