"""The clock of the loop."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.loop import Pace

PACES = st.builds(Pace, st.floats(0.1, 600), st.floats(0, 1), st.floats(1, 3600))


@given(PACES, st.integers(0, 10_000), st.floats(0, 1))
def test_no_delay_is_longer_than_promised_nor_negative(pace: Pace, failures: int, chance: float) -> None:
    """However many failures in a row, the next poll comes within the bound."""
    assert 0 <= pace.delay(failures, chance) <= pace.longest * 1.000001


@given(PACES)
def test_failures_double_the_delay_up_to_the_cap(pace: Pace) -> None:
    """Backoff grows with every failure until the cap, and jitter is centred."""
    delays = [pace.delay(failures, 0.5) for failures in range(40)]
    assert delays[0] == pace.interval
    assert delays == sorted(delays)
    assert delays[-1] == max(pace.interval, pace.max_backoff)


def test_jitter_spreads_both_ways() -> None:
    """A tenth of jitter moves a poll by up to a tenth to either side."""
    pace = Pace(60, 0.1, 600)
    assert (pace.delay(0, 0.0), pace.delay(0, 1.0)) == (54.0, 66.0)
