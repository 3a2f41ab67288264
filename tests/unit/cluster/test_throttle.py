"""A bucket of tokens: bursts pass, storms do not."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.throttle import Throttle


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    """What is in the bucket costs no wait; then one token comes after the other."""
    throttle = Throttle(10, 3, Time())
    assert [throttle.take(60) for _ in range(3)] == [0, 0, 0]
    assert [round(throttle.take(60) or 0, 6) for _ in range(3)] == [0.1, 0.2, 0.3]


def test_who_would_wait_too_long_takes_nothing() -> None:
    """A token that is refused stays for somebody else."""
    throttle = Throttle(10, 1, Time())
    assert throttle.take(60) == 0
    assert throttle.take(0.05) is None
    assert throttle.take(0.2) is not None


@given(st.lists(st.floats(0, 2), max_size=100), st.floats(1, 50), st.integers(1, 20))
def test_no_more_than_burst_and_rate_are_given(pauses: list[float], rate: float, burst: int) -> None:
    """In no time is more used than the bucket held plus what came in."""
    time = Time()
    throttle = Throttle(rate, burst, time)
    used_at = []
    for pause in pauses:
        time.now += pause
        wait = throttle.take(1000)
        assert wait is not None
        used_at.append(time.now + wait)
    for count, at in enumerate(used_at, 1):
        assert count <= burst + rate * at + 1e-6
