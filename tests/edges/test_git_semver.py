"""Ranges over tags."""

import pytest

from reconciler.sources.git.semver import SemverRange, Version


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4", "1.2.3-rc.1"]),
        ("=v1.2.3", ["v1.2.3"], ["1.2.2"]),
        ("1.2", ["1.2.0", "1.2.99"], ["1.3.0", "1.1.9", "1.2.1-rc.1"]),
        ("1.x", ["1.0.0", "1.99.0"], ["2.0.0"]),
        ("*", ["0.0.1", "99.0.0"], ["1.0.0-rc.1"]),
        ("^1.2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0", "2.0.0-rc.1"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0", ["0.0.1", "0.9.0"], ["1.0.0"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        (">=1.0 <2.0", ["1.0.0", "1.99.99"], ["0.9.9", "2.0.0"]),
        (">= 1.0, < 2.0", ["1.5.0"], ["2.0.0"]),
        (">1.2", ["1.3.0"], ["1.2.0", "1.2.5"]),
        (">1.2.3", ["1.2.4"], ["1.2.3"]),
        ("<=1.2", ["1.2.7", "1.0.0"], ["1.3.0"]),
        ("!=1.2.3 ^1", ["1.2.4"], ["1.2.3", "2.0.0"]),
        ("1.2 - 2.3", ["1.2.0", "2.3.9"], ["1.1.9", "2.4.0"]),
        ("^1.2 || ^3.0", ["1.2.0", "3.4.0"], ["2.0.0"]),
        (">=1.0.0-0", ["1.0.0-rc.1", "2.0.0-alpha"], ["0.9.0"]),
        (">=1.0.0-rc.2", ["1.0.0-rc.10", "1.0.0"], ["1.0.0-rc.1", "1.0.0-beta"]),
    ],
)
def test_range_holds_what_it_says(written: str, inside: list[str], outside: list[str]) -> None:
    """A range holds exactly the versions that Flux's and npm's readers expect of it."""
    accepted = SemverRange.parse(written)
    assert accepted is not None
    versions = {text: Version.parse(text) for text in inside + outside}
    held = [text for text, version in versions.items() if version is not None and accepted.holds(version)]
    assert held == inside


@pytest.mark.parametrize("written", ["", "main", "^", "1.2.3.4", "> = 1", "1.2 ||", "^1.2 | ^2", "-1", "1" * 300])
def test_nonsense_is_no_range(written: str) -> None:
    """What cannot be read is not guessed at."""
    assert SemverRange.parse(written) is None


def test_the_order_of_versions_is_that_of_the_specification() -> None:
    """The example of semver.org, item 11, sorts as it is printed there."""
    written = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.1.1"
    versions = [version for text in written.split() if (version := Version.parse(text)) is not None]
    assert len(versions) == 9
    assert sorted(versions) == versions


def test_the_best_tag_is_the_highest_version() -> None:
    """Ten comes after nine, and tags that are no versions are passed over."""
    accepted = SemverRange.parse("^1")
    assert accepted is not None
    assert accepted.best({"v1.9.0": "", "v1.10.0": "", "v2.0.0": "", "latest": "", "1.2": ""}) == "v1.10.0"
    assert accepted.best({"latest": ""}) is None
