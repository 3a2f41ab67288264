"""HostMatch and Domains against brute force over all short names of a two-letter alphabet."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.resource import ANY_HOST, HostMatch, MatchKind
from reconciler.table.domains import Domains

HOSTS = tuple("".join(letters) for n in range(1, 8) for letters in product("a.", repeat=n))
TEXT = st.text("a.", min_size=1, max_size=3)
PATTERNS = st.one_of(
    st.just(ANY_HOST),
    st.builds(HostMatch, st.sampled_from([MatchKind.EXACT, MatchKind.SUFFIX, MatchKind.PREFIX]), TEXT),
)
REGEXES = st.builds(HostMatch, st.just(MatchKind.REGEX), st.sampled_from(["a+", ".*", "a|\\.", "A\\..*", "("]))


def meant(pattern: HostMatch) -> set[str]:
    """The hosts a pattern means, by its definition."""
    value = pattern.value
    match pattern.kind:
        case MatchKind.EXACT:
            return {value}
        case MatchKind.SUFFIX:
            return {host for host in HOSTS if host[-len(value) :] == value and host != value}
        case MatchKind.PREFIX:
            return {host for host in HOSTS if host[: len(value)] == value and host != value}
        case _:
            return set(HOSTS)


@given(PATTERNS, PATTERNS)
def test_covers_and_overlaps_are_what_the_sets_say(one: HostMatch, two: HostMatch) -> None:
    """Exactly, for everything but regexes."""
    assert one.covers(two) == (meant(two) <= meant(one))
    assert one.overlaps(two) == bool(meant(one) & meant(two))


@given(REGEXES, PATTERNS | REGEXES)
def test_with_regexes_they_never_promise_too_much(regex: HostMatch, other: HostMatch) -> None:
    """What is said to be covered is; what overlaps is said to."""
    hosts = {host for host in HOSTS if regex.matches(host)}
    others = {host for host in HOSTS if other.matches(host)}
    assert not regex.covers(other) or others <= hosts
    assert not other.covers(regex) or hosts <= others
    assert regex.overlaps(other) or not hosts & others
    assert regex.overlaps(other) == other.overlaps(regex)


@given(PATTERNS)
def test_matches_is_membership(pattern: HostMatch) -> None:
    """Of one host, whatever its case."""
    assert {host for host in HOSTS if pattern.matches(host.upper())} == meant(pattern)


def test_a_regex_host_compares_without_case_and_whole() -> None:
    """Hosts have no case; a part is no match; a pattern RE2 refuses matches nothing."""
    regex = HostMatch(MatchKind.REGEX, "API|b\\.test")
    assert [regex.matches(host) for host in ("api", "B.test", "xapi", "api.x")] == [True, True, False, False]
    assert not HostMatch(MatchKind.REGEX, "(").matches("(")


@given(st.sets(PATTERNS), st.sampled_from(HOSTS))
def test_pick_is_envoys_choice(patterns: set[HostMatch], host: str) -> None:
    """Exact, else longest suffix, else longest prefix, else any."""
    kinds = [MatchKind.EXACT, MatchKind.SUFFIX, MatchKind.PREFIX, MatchKind.ANY]
    ranked = sorted((p for p in patterns if host in meant(p)), key=lambda p: (kinds.index(p.kind), -len(p.value)))
    assert Domains.of(patterns).pick(host) == (ranked[0] if ranked else None)


@given(st.sets(PATTERNS, max_size=6), PATTERNS | REGEXES)
def test_reached_misses_no_domain_a_host_of_the_pattern_picks(patterns: set[HostMatch], pattern: HostMatch) -> None:
    """Every domain that is picked for some host of the pattern is reached, and what is reached overlaps."""
    domains = Domains.of(patterns)
    picked = {domains.pick(host) for host in HOSTS if pattern.matches(host)} - {None}
    reached = domains.reached(pattern)
    assert picked <= set(reached)
    assert all(domain.overlaps(pattern) for domain in reached)


@pytest.mark.parametrize(
    ("pattern", "reached"),
    [("*.a.test", ["*.a.test"]), ("*.test", ["*.test", "*.a.test"]), ("*", ["*", "*.test", "*.a.test"])],
)
def test_reached_leaves_out_what_a_better_domain_answers_for(pattern: str, reached: list[str]) -> None:
    """A suffix is not looked for in the domains that a longer suffix always outranks."""
    domains = Domains.of([ANY_HOST, HostMatch(MatchKind.SUFFIX, ".test"), HostMatch(MatchKind.SUFFIX, ".a.test")])
    asked = ANY_HOST if pattern == "*" else HostMatch(MatchKind.SUFFIX, pattern[1:])
    assert sorted(map(str, domains.reached(asked))) == sorted(reached)
