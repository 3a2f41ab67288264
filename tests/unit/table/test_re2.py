"""RE2 with Envoy's meaning; the expectations were read off a running Envoy 1.40."""

import pytest

from reconciler.model.regex import full_match, replace_all


@pytest.mark.parametrize(
    ("pattern", "substitution", "text", "result"),
    [
        ("^.*$", "/y", "/rw/a/b", "/y"),
        (".*", "[\\0]", "/glob/a", "[/glob/a]"),
        ("x*", "-", "/gempty", "-/-g-e-m-p-t-y-"),
        ("b(a)d", "<\\3>", "/bad", "/bad"),
        ("e(s)c", "\\\\1", "/esc", "/\\1"),
        ("/rrex/(.*)", "/\\1/x", "/rrex/a/b", "/a/b/x"),
        ("a", "b", "/aa", "/bb"),
        ("(a)|(b)", "<\\1\\2>", "ab", "<a><b>"),
        ("(", "x", "/(", "/("),
        ("a", "\\x", "/a", "/a"),
        ("é+", "e", "/éé/é", "/e/e"),
    ],
)
def test_replace_all(pattern: str, substitution: str, text: str, result: str) -> None:
    """GlobalReplace: every match, no empty one right after another, groups by number, nonsense changes nothing."""
    assert replace_all(pattern, substitution, text) == result


def test_full_match() -> None:
    """The whole text or nothing; a refused pattern matches nothing."""
    assert full_match("/a|/ab", "/ab")
    assert not full_match("/a", "/ab")
    assert not full_match("(?=x)", "x")
