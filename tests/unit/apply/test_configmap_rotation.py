"""Which ConfigMaps with rotating names stay."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.configmap.objects import Held
from reconciler.apply.configmap.rotation import HISTORY, REPLACED, STAYS, History

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = 50


def held(name: str, created: datetime = NOON) -> Held:
    """One that is there."""
    return Held(name, "u", "1", True, True, f"{created:%Y-%m-%dT%H:%M:%SZ}", {}, ())


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3000)), max_size=30), st.integers(0, 4))
def test_what_was_current_within_the_hour_stays(changes: list[tuple[str, int]], keep: int) -> None:
    """And so many more, newest first; nothing else does. What is told of it is read as it was."""
    history, now, there = History(), NOON, dict[str, Held]()
    last: dict[str, datetime] = {}
    for name, pause in changes:
        now += timedelta(seconds=pause)
        if history.names and history.names[0] != name:
            last[history.names[0]] = now
        there.setdefault(name, held(name, now))
        history = history.after(name, [*there.values()][::-1], keep, now)
        assert History.of(history.keys()) == history
        assert history.names[0] == name
        young = {one for one, at in last.items() if now - at < STAYS and one in there}
        assert young <= {*history.names}
        assert len(history.names) <= 1 + keep + len(young)
        for gone in history.left_out([*there.values()]):
            del there[gone.name]


def test_how_many_stay_is_bounded() -> None:
    """A commit a second does not fill the cluster."""
    history, there = History(), list[Held]()
    for number in range(3 * MANY):
        there.insert(0, held(f"r-{number}"))
        history = history.after(f"r-{number}", there, 5, NOON + timedelta(seconds=number))
        there = [one for one in there if one.name in history.names]
    assert len(history.names) == 1 + 5 + MANY
    assert History.of(history.keys()) == history


def test_what_is_not_known_is_not_taken_for_old() -> None:
    """No pointer, one of an earlier version, one that somebody edited: as if they were replaced just now."""
    there = [held("new"), held("b"), held("a")]
    later = NOON + timedelta(days=9)
    edited = {HISTORY: b"b\na", REPLACED: b"a yesterday\n\xff 2026\na 9999-01-01T00:00:00+00:00"}
    for before in (History(), History.of({HISTORY: b"b\na"}), History.of(edited)):
        assert before.after("new", there, 0, later).names == ("new", "b", "a")
    orphan = History.of({HISTORY: b"b"})
    assert orphan.after("new", there, 0, later).names == ("new", "b")  # made, and never current
