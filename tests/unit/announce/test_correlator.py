"""What keeps Events from becoming a flood."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.announce.correlator import BOUNDS, Bounds, Bucket, Correlator, Entry
from reconciler.announce.notice import Notice, Subject, Weight

FEW = Bounds(object_burst=3, object_every_s=60, burst=8, per_second=0.5, similar=2, remembered=16)


def notice(name: str = "shop", note: str = "broken", reason: str = "Invalid") -> Notice:
    """What is said of a Service."""
    return Notice(Subject("Service", "default", name, f"uid of {name}"), Weight.WARNING, reason, "Validate", note)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def admit(correlator: Correlator, said: Notice, now: float) -> Entry | None:
    """So many seconds after noon."""
    return correlator.admit(said, now, NOON + timedelta(seconds=now))


NOTICES = st.builds(
    notice, st.sampled_from("abcdefgh"), st.sampled_from("xyz"), st.sampled_from(["Invalid", "Conflict"])
)
MOMENTS = st.lists(st.tuples(st.floats(0, 30), NOTICES), max_size=120)


@settings(deadline=None)
@given(MOMENTS)
def test_never_more_than_the_bounds(moments: list[tuple[float, Notice]]) -> None:
    """Whatever is said when: of all and of each object never more than at once plus what comes back since."""
    correlator, now, of_all = Correlator(FEW), 0.0, 0
    of_object: Counter[str] = Counter()
    for pause, said in moments:
        now += pause
        if admit(correlator, said, now) is not None:
            of_all += 1
            of_object[said.subject.name] += 1
        assert of_all <= FEW.burst + now * FEW.per_second + 1e-3
        assert all(many <= FEW.object_burst + now / FEW.object_every_s + 1e-3 for many in of_object.values())


@settings(deadline=None)
@given(MOMENTS)
def test_the_same_is_one_series_that_counts(moments: list[tuple[float, Notice]]) -> None:
    """A notice that is said again within the hour goes on where it was, one by one, under the same beginning."""
    correlator, now = Correlator(), 0.0
    counts: dict[Notice, tuple[datetime, int]] = {}
    for pause, said in moments:
        now += pause
        entry = admit(correlator, said, now)
        if entry is not None:
            first, count = counts.get(entry.notice, (entry.first_at, 0))
            assert (entry.first_at, entry.count) == (first, count + 1)
            counts[entry.notice] = entry.first_at, entry.count


def test_five_thousand_broken_objects_are_no_storm() -> None:
    """Fifty at once, and five each second after that."""
    correlator = Correlator()
    assert sum(admit(correlator, notice(f"shop-{n}"), 0.0) is not None for n in range(5000)) == BOUNDS.burst == 50
    assert correlator.wait(0.0) == 0.2
    later = sum(admit(correlator, notice(f"late-{n}"), 10.0) is not None for n in range(5000))
    assert later == 50


def test_many_different_findings_of_one_object_become_one() -> None:
    """Past the bound they are one series, so that an object that says something else each time fills no list."""
    correlator = Correlator(Bounds(similar=3))
    entries = [admit(correlator, notice(note=f"finding {n}"), float(n)) for n in range(6)]
    notes = [entry.notice.note for entry in entries if entry]
    assert notes[:3] == ["finding 0", "finding 1", "finding 2"]
    assert len(set(notes[3:])) == 1
    assert [entry.count for entry in entries if entry][3:] == [1, 2, 3]


def test_after_an_hour_it_is_a_new_event() -> None:
    """The server has forgotten the one before."""
    correlator = Correlator()
    first = admit(correlator, notice(), 0.0)
    again = admit(correlator, notice(), BOUNDS.series_s + 1)
    assert first is not None
    assert again is not None
    assert (again.count, again.first_at) == (1, NOON + timedelta(seconds=BOUNDS.series_s + 1))


def test_it_remembers_no_more_than_it_may() -> None:
    """A cluster of any size costs the same memory."""
    correlator = Correlator(Bounds(remembered=5, burst=1000))
    for number in range(200):
        admit(correlator, notice(f"shop-{number}"), 0.0)
    held = (correlator._objects, correlator._said, correlator._similar)
    assert {len(one) for one in held} == {5}


@given(st.lists(st.floats(0, 100), max_size=50))
def test_who_waits_as_long_as_told_is_let_through(pauses: list[float]) -> None:
    """The wait is never too short."""
    bucket, now = Bucket(2, 7.0), 0.0
    for pause in pauses:
        now += pause
        bucket.take(now)
        now += bucket.wait(now) + 1e-6
        assert bucket.wait(now) <= 1e-5
