"""The collector of cycles looks seldom, and still looks."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler.cli.collector import look_seldom, spare_once


class _Ring:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_looks_less_often_and_not_at_what_is_there() -> None:
    """More has to come before it looks, and what was there is left out."""
    before = gc.get_threshold()
    look_seldom()
    assert gc.get_threshold()[0] > before[0]
    assert gc.get_freeze_count() > 0


def test_spares_once() -> None:
    """Only the first call leaves out what is there: cycles that come later are found."""
    spare = spare_once()
    spare()
    ring = _Ring()
    gone = weakref.ref(ring)
    del ring
    spare()
    gc.collect()
    assert gone() is None
