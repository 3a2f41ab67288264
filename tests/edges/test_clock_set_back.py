"""A clock that was set back: times tell less than the order of records, and answers say so."""

from datetime import timedelta
from pathlib import Path

from reconciler.audit import Journal
from reconciler.cli.audit.unknown import unknown
from tests.support.journals import NOON, Clock, apply, origin


class Settable(Clock):
    """A clock that somebody sets."""

    def set(self, hours: float) -> None:
        """To so many hours after noon."""
        self.now = NOON + timedelta(hours=hours)


def test_a_moment_that_was_there_twice_is_told_as_that(tmp_path: Path) -> None:
    """Only where the clock was set back over it; before, after and by entry the answer is plain."""
    clock = Settable()
    opened = Journal.open(tmp_path / "journal.db", clock)
    numbers = []
    for step, hours in enumerate((0, 2, 0.25, 3), start=1):
        clock.set(hours)
        numbers.append(apply(opened, step, [origin(f"route-{step}")])[0])
    told = {}
    for hours in (0.1, 0.5, 2.5, 4):
        found = opened.at(NOON + timedelta(hours=hours))
        told[hours] = [each.id.name for each in found.origins], found.set_back is not None
        assert bool(found.unknown) == bool(unknown(found, NOON)) == (found.set_back is not None)
    assert told == {
        0.1: (["route-1"], False),
        0.5: (["route-3"], True),
        2.5: (["route-3"], False),
        4: (["route-4"], False),
    }
    assert opened.at(numbers[2]).unknown == ""
    assert "set back" in opened.at(NOON + timedelta(hours=0.5)).unknown
    opened.close()
