"""Finding culprits with yes-or-no questions."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bisect import find_culprits


@given(st.integers(1, 200), st.data())
def test_finds_exactly_the_independent_culprits(size: int, data: st.DataObject) -> None:
    """Suspects that are bad by themselves are found, all of them and no other."""
    bad = data.draw(st.frozensets(st.integers(0, size - 1), min_size=1, max_size=3))
    found = find_culprits(range(size), lambda some: not some & bad)
    assert found == bad


def test_one_culprit_costs_two_questions_per_halving() -> None:
    """A single culprit among 1024 needs no more than 2·10 questions and one to confirm."""
    asked: list[frozenset[int]] = []

    def accepts(some: frozenset[int]) -> bool:
        asked.append(some)
        return 700 not in some

    assert find_culprits(range(1024), accepts) == {700}
    assert len(asked) <= 21


def test_suspects_bad_only_together_are_all_held() -> None:
    """Those that are fine alone and bad together are returned, and nobody beside them."""
    for bad in ({1, 6}, {0, 1}, {0, 1, 2, 7}):
        assert find_culprits(range(100), lambda some, bad=bad: not bad <= some) == bad  # type: ignore[misc]
    pairs = ({1, 6}, {2, 90})
    assert find_culprits(range(100), lambda some: not any(pair <= some for pair in pairs)) == {1, 2, 6, 90}


@given(st.sets(st.frozensets(st.integers(0, 15), min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_rest_is_always_accepted(bad_sets: set[frozenset[int]]) -> None:
    """Whatever combination is bad, what remains is accepted."""

    def accepts(some: frozenset[int]) -> bool:
        return not any(bad <= some for bad in bad_sets)

    found = find_culprits(range(16), accepts)
    assert accepts(frozenset(range(16)) - found)


def test_gives_up_asking_at_the_limit() -> None:
    """When everything is bad, the number of questions stays bounded and everything is held."""
    asked = 0

    def accepts(some: frozenset[int]) -> bool:
        nonlocal asked
        asked += 1
        return not some

    assert find_culprits(range(10_000), accepts, most_questions=64) == frozenset(range(10_000))
    assert asked <= 150
