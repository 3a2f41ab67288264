"""Paths as Envoy normalises them: read off a running Envoy 1.40, which 20,000 random ones agreed with."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.paths import escaped, impossible, normalised


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("//a", "//a"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/..", "/"),
        ("/../..//x", "//x"),
        ("/a//..//b", "/a//b"),
        ("/a/b//../c", "/a/b/c"),
        ("/a/...", "/a/..."),
        ("/..a", "/..a"),
        ("/a\\..\\b", "/b"),
        ("/a%5c..%5cb", "/a%5c..%5cb"),
        ("/a%2f../b", "/a%2f../b"),
    ],
)
def test_segments(sent: str, seen: str) -> None:
    """Dot segments go, empty ones stay, a backslash is a slash, an escaped slash is none."""
    assert normalised(sent) == seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/a/..;/b", "/b"),
        ("/a/..;x=1/b", "/b"),
        ("/a/.;x", "/a/"),
        ("/a/..;\\b", "/"),
        ("/a/%2e%2e;/b", "/a/..;/b"),
        ("/a\\..;/b", "/a/..;/b"),
        ("/a/;/b", "/a/;/b"),
        ("/a/...;/b", "/a/...;/b"),
    ],
)
def test_segments_with_parameters(sent: str, seen: str) -> None:
    """Dots with parameters are dots, as far as Envoy sees them."""
    assert normalised(sent) == seen


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/%61%2D%7e%5F", "/a-~_"),
        ("/%2e%2E/b", "/b"),
        ("/a%20b%3f%c3", "/a%20b%3f%c3"),
        ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"),
        ("/%", "/%"),
        ("/%zz", "/%zz"),
        ("/%252e%252e/", "/%252e%252e/"),
        ("/%4%31", "/%2541"),
        ("/%%41b", "/%25Ab"),
        ("/%%41z", "/%Az"),
    ],
)
def test_escapes(sent: str, seen: str) -> None:
    """Unreserved characters lose their escapes, unsafe ones get them, and no new escape comes into being."""
    assert normalised(sent) == seen


@pytest.mark.parametrize("sent", ["", "a", "*", "/a b", "/caf\u00e9", "/\x7f", "/a#b", "/a%00", "/a%00/../b"])
def test_refused(sent: str) -> None:
    """Envoy answers 400."""
    assert normalised(sent) is None


def test_a_zero_that_goes_with_parameters_is_not_seen() -> None:
    """Parameters of dots are cut before anything is refused."""
    assert normalised("/a/..;%00/b") == "/b"


# What normalisation looks at, and little else.
_PIECES = st.sampled_from(
    [*"/.;%a~1{\\ \u00fc#", "..", "%2e", "%2E", "%61", "%2f", "%20", "%00", "%zz", "%4", "//", "/../", "/./", "..;"]
)
_PATHS = st.lists(_PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces))


@given(_PATHS)
def test_what_is_seen_is_possible(sent: str) -> None:
    """No path a request comes to be seen with, and no beginning of one, is called impossible."""
    seen = normalised(sent)
    if seen is not None:
        assert impossible(seen, whole=True) == ""
        assert not any(impossible(seen[:end], whole=False) for end in range(1, len(seen) + 1))


@given(_PATHS)
def test_what_is_possible_is_seen(path: str) -> None:
    """For every path that is not called impossible there is a request; for a beginning, one that goes on."""
    if not impossible(path, whole=True):
        assert normalised(_sent_for(path)) == path
    if not impossible(path, whole=False):
        assert normalised(_sent_for(path + "zz")) == path + "zz"


def _sent_for(path: str) -> str:
    """A request that is seen with a path: only dots before parameters have to hide."""
    return re.sub(r"(?<=/)\.\.?(?=;)", lambda dots: dots[0].replace(".", "%2e"), path)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/a b/", "/a%20b/"),
        ("/\u00fc/", "/%C3%BC/"),
        ("/a/../b/", "/b/"),
        ("/a/./b", "/a/b"),
        ("/%61/", "/a/"),
        ("/a\\b", "/a/b"),
        ("/{id}", "/%7Bid%7D"),
        ("/%00", None),
    ],
)
def test_the_path_that_was_meant(path: str, meant: str | None) -> None:
    """What is impossible only for its spelling has a possible one."""
    assert impossible(path, whole=False)
    assert normalised(escaped(path)) == meant


@pytest.mark.parametrize("path", ["/a/..", "/a/.", "/a%", "/a%6", "/..;", "/a%2Fb", "/%20", "//"])
def test_beginnings(path: str) -> None:
    """What looks wrong at the end may go on."""
    assert impossible(path, whole=False) == ""


@pytest.mark.parametrize("path", ["/a/..", "/a/."])
def test_ends(path: str) -> None:
    """What may go on is no whole path."""
    assert impossible(path, whole=True)
