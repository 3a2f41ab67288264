"""Which deletions are told of: as sets say it, however many stretches there are."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.proof import deleted
from reconciler.audit.proof.deleted import Deleted

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=12)


@given(st.sets(st.integers(1, 60)), RANGES)
def test_untold_is_what_sets_say(gone: set[int], told: list[tuple[int, int]]) -> None:
    """How many, and the first of them with its line."""
    found = Deleted()
    for number in sorted(gone):
        found.found(number, number + 100)
    found.told({"ranges": [[first, first + more] for first, more in told]})
    lacking = sorted(gone - {number for first, more in told for number in range(first, first + more + 1)})
    first = (lacking[0], lacking[0] + 100) if lacking else None
    assert found.untold() == (len(lacking), first)


def test_a_hundred_thousand_stretches_take_no_time() -> None:
    """Every other record was deleted, each told of by itself; one is missing."""
    found, many = Deleted(), 120_000
    for number in range(1, 2 * many, 2):
        found.found(number, number)
    found.told({"ranges": [[number, number] for number in range(1, 2 * many, 2) if number != many + 1]})
    began = time.process_time()
    assert found.untold() == (1, (many + 1, many + 1))
    assert time.process_time() - began < 2


def test_what_is_beyond_the_bound_is_told_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not passed over in silence."""
    monkeypatch.setattr(deleted, "_MOST_RANGES", 3)
    found = Deleted()
    for number in (1, 3, 5, 7, 9):
        found.found(number, number)
    found.told({"ranges": [[1, 9]]})
    assert found.untold() == (2, (7, 7))
    found = Deleted()
    for number in (1, 3, 5):
        found.found(number, number)
    found.told({"ranges": [[1, 1], [2, 2], [3, 3], [5, 5]]})
    assert found.untold() == (1, (5, 5))
