"""Waits grow, are bounded and spread out."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.backoff import Backoff

CHANCE = st.floats(0, 1)


def test_it_doubles_up_to_its_cap_and_begins_anew() -> None:
    """Without luck these are the longest waits."""
    backoff = Backoff(1, 5, chance=lambda: 1.0)
    assert [backoff.next() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.next() == 1


@given(CHANCE, st.integers(0, 2000))
def test_every_wait_is_bounded(chance: float, failures: int) -> None:
    """Between a half of the base and the cap, also after days of failure."""
    backoff = Backoff(0.5, 30, chance=lambda: chance)
    backoff.failures = failures
    assert 0.25 <= backoff.next() <= 30


@given(CHANCE, st.floats(0.1, 60))
def test_it_never_comes_before_the_server_asked(chance: float, asked: float) -> None:
    """Retry-After is a lower bound, and not everybody comes at its end."""
    wait = Backoff(0.2, 5, chance=lambda: chance).next(asked)
    assert asked <= wait <= max(5, asked * 1.5)


def test_those_who_failed_together_come_back_apart() -> None:
    """Jitter is there: of a hundred, hardly any two wait alike."""
    assert len({round(Backoff(1, 30).next(), 6) for _ in range(100)}) > 90
