"""Retention: what is old goes, what is served or held stays, and all that is left still verifies."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.audit import Journal
from reconciler.cli.retaining import Retaining
from reconciler.model.errors import Stalled
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.question import Query
from reconciler.model.retention import Deletion
from reconciler.model.source import Person
from tests.support import postgres
from tests.support.journals import NOON, Shelf, apply, attempt, commit, conclusion, journal, origin

ANN = Actor("ann", "command line on desk")
DELETIONS = Query(happened=frozenset({Happening.RETENTION_DELETE}))


def prune(into: Journal, before: datetime) -> list[Deletion]:
    """All steps."""
    keeping, steps = into.retention(), [Deletion(done=False)]
    while not steps[-1].done:
        steps.append(keeping.step(before, ANN, steps[-1].reached))
    return steps[1:]


def with_body(into: Journal) -> set[int]:
    """The numbers of the records whose content is there."""
    return {record.sequence for record in into.records() if record.body}


def sound(into: Journal) -> bool:
    """Whether it verifies."""
    found = into.verify()
    assert not found.finding, found
    return True


@contextmanager
def scratch(database: str) -> Iterator[Journal]:
    """A journal in a directory or a schema of its own."""
    with tempfile.TemporaryDirectory() as directory:
        running = postgres.server() if database == "postgresql" else None
        shelf = Shelf(running.url, running.schema()) if running else Shelf(Path(directory) / "journal.db")
        into = shelf.open()
        try:
            yield into
        finally:
            into.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def into(request: pytest.FixtureRequest) -> Iterator[Journal]:
    """A new journal, open for writing."""
    with scratch(request.param) as made:
        yield made


def test_what_is_old_goes_and_what_is_served_stays(tmp_path: Path) -> None:
    """Contents, people and versions of the past are gone from the file; what is served is told as before."""
    path = tmp_path / "journal.db"
    into = journal(path)
    stranger = commit(1, author=Person("Zed Zzz", "zed@example.com"), subject="A subject to forget")
    apply(into, 1, [origin("old", b'{"a":"a document to forget"}'), origin("api")])
    first = attempt(2, commit=stranger)
    into.decide(first, conclusion(first))
    for number in range(3, 8):
        apply(into, number, [origin("api"), origin(f"now-{number}")])
    cutoff = into.entries(Query(limit=1))[0].time
    before, served, proof = into.at(cutoff), into.served(), into.verify()
    (step,) = prune(into, cutoff)
    assert (step.entries, step.versions) == (4, 4)
    assert sound(into)
    assert into.verify().records == proof.records + 1
    assert into.at(cutoff) == before
    assert into.served() == served
    brought = into.versions().versions("Mapping", "default", "api", ("9" * 40,))
    assert into.entry(brought[0].entry) is not None
    (note,) = into.entries(DELETIONS)
    assert (note.actor, note.records[0].body["records"]) == ("ann", 7)
    into.close()
    for word in (b"A subject to forget", b"zed@example.com", b"a document to forget"):
        assert word not in path.read_bytes()


def test_a_question_about_what_was_deleted_names_the_entry_that_deleted_it(into: Journal) -> None:
    """And never says that there was nothing."""
    numbers = [apply(into, number, [origin(f"only-{number}")]) for number in range(1, 6)]
    cutoff = into.entries(Query(limit=1))[0].time
    old = into.entry(numbers[1][0])
    assert old is not None
    (step,) = prune(into, cutoff)
    assert into.deletion_of(numbers[1][0]) == into.deletion_of(numbers[1][1]) == step.noted
    assert into.deletion_of(numbers[4][0]) is None
    assert into.at(old.time).deleted == step.noted
    assert into.at(cutoff).deleted is None
    stamp = old.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert into.versions().deleted(stamp) == step.noted


def test_an_intent_that_is_open_stays(into: Journal) -> None:
    """However old: its result will name it."""
    tried = attempt(1)
    sequence = into.intend(tried)
    for number in range(2, 5):
        apply(into, number, [origin("api", f"{number}".encode())])
    prune(into, into.entries(Query(limit=1))[0].time)
    into.conclude(sequence, conclusion(tried), None, None)
    assert sound(into)


def test_a_hold_ends_once_and_only_where_it_is(into: Journal) -> None:
    """What was released, or never was, is told."""
    keeping = into.retention()
    number = keeping.hold(None, None, "case 7", ANN)
    released = keeping.release(number, "closed", ANN)
    with pytest.raises(Stalled, match=f"entry {released} has released hold {number}"):
        keeping.release(number, "again", ANN)
    with pytest.raises(Stalled, match="there is no hold 999"):
        keeping.release(999, "?", ANN)
    with pytest.raises(Stalled, match="must end after it begins"):
        keeping.hold(into.entries()[0].time, into.entries()[0].time - timedelta(1), "?", ANN)
    assert [(one.number, one.released) for one in keeping.holds()] == [(number, released)]
    assert [entry.happened for entry in into.entries()] == [(Happening.HOLD_RELEASED,), (Happening.HOLD,)]


def test_appends_go_on_between_the_steps(into: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step looks at a bounded number of records; a hold that comes in between is obeyed."""
    monkeypatch.setattr("reconciler.audit.store.retention.STEP", 4)
    numbers = [apply(into, number, [origin("api", f"{number}".encode())]) for number in range(1, 10)]
    cutoff = into.entries(Query(limit=1))[0].time
    keeping = into.retention()
    first = keeping.step(cutoff, ANN)
    assert not first.done
    assert 0 < first.records <= 5
    held = numbers[4][0]
    wanted = into.entry(held)
    assert wanted is not None
    keeping.hold(wanted.time, wanted.time + timedelta(seconds=1), "case 7", ANN)
    apply(into, 20, [origin("api")])
    last = first
    while not last.done:
        last = keeping.step(cutoff, ANN, last.reached)
    assert {held, held + 1} <= with_body(into)
    assert numbers[5][0] not in with_body(into)
    assert sound(into)


def test_a_controller_deletes_once_a_day_what_is_old(into: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A little at a time; not at all where everything is kept for ever; a journal that is away keeps nobody waiting."""
    monkeypatch.setattr("reconciler.audit.store.retention.STEP", 4)
    for number in range(1, 9):
        apply(into, number, [origin("api", f"{number}".encode())])
    newest, now = into.entries(Query(limit=1))[0].time, [datetime.now(UTC)]
    forever = Retaining(into.retention(), timedelta(0), lambda: now[0])
    daily = Retaining(into.retention(), timedelta(days=400), lambda: now[0], budget=0)
    had = with_body(into)
    now[0] = newest + timedelta(days=399)
    daily.step()
    forever.step()
    assert with_body(into) == had
    now[0] += timedelta(hours=23)
    daily.step()
    assert with_body(into) == had, "not due before a day has passed"
    now[0] = newest + timedelta(days=400, hours=1)
    daily.step()
    some = with_body(into)
    daily.step()
    assert 0 < len(had - some) < len(had - with_body(into))
    assert len(had - some) <= 6
    into.close()
    Retaining(into.retention(), timedelta(days=1), lambda: now[0]).step()


def test_processes_of_one_reconcile_each_delete_all_the_same(into: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much at the beginning stays, each goes on; once all is deleted, none looks again for a day."""
    monkeypatch.setattr("reconciler.audit.store.retention.STEP", 4)
    for _ in range(6):
        into.note(Note(Happening.AUDIT_GAP, "something is missing"))
    for number in range(1, 9):
        apply(into, number, [origin("api", f"{number}".encode())])
    had, now = with_body(into), [into.entries(Query(limit=1))[0].time + timedelta(days=400, hours=1)]

    def sync(budget: float = 0) -> int:
        Retaining(into.retention(), timedelta(days=400), lambda: now[0], budget).step()
        return len(had & with_body(into))

    left = [sync() for _ in range(6)]
    assert left[0] > left[1] > left[2] > left[-1]
    assert left[-1] == 6 + 1 + 2, "gaps, the beginning, and the apply of what is served"
    steps: list[object] = []
    monkeypatch.setattr("reconciler.audit.retaining.Retention.step", lambda *given: steps.append(given))
    sync()
    assert not steps
    now[0] += timedelta(days=1)
    with pytest.raises(AttributeError):
        sync()
    assert steps


def test_one_reconcile_deletes_for_as_long_as_it_may(into: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step after step, until all is done."""
    monkeypatch.setattr("reconciler.audit.store.retention.STEP", 4)
    for number in range(1, 9):
        apply(into, number, [origin("api", f"{number}".encode())])
    newest = into.entries(Query(limit=1))[0].time
    Retaining(into.retention(), timedelta(days=1), lambda: newest + timedelta(days=2), budget=60).step()
    assert len(into.entries(DELETIONS)) > 2
    assert len(with_body(into)) == 1 + 2 + len(into.entries(DELETIONS))
    assert sound(into)


NAMES = ("a", "b", "c")
OPERATIONS = st.one_of(
    st.tuples(st.just("apply"), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), max_size=3)),
    st.tuples(st.just("note"), st.integers(0, 3)),
    st.tuples(st.just("decide"), st.integers(1, 9)),
    st.tuples(st.just("hold"), st.tuples(st.integers(0, 40), st.integers(1, 20))),
    st.tuples(st.just("release"), st.integers(0, 3)),
    st.tuples(st.just("prune"), st.integers(0, 40)),
)


@pytest.mark.parametrize(("database", "examples"), [("sqlite", 12), ("postgresql", 3)])
def test_whatever_is_done_all_that_is_left_verifies(database: str, examples: int) -> None:
    """Appends, holds, releases and deletions in any order: what is held or served stays, all verifies."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(OPERATIONS, min_size=5, max_size=25))
    def law(operations: list[tuple[str, object]]) -> None:
        with scratch(database) as into:
            for number, (what, value) in enumerate(operations, 1):
                _do(into, number, what, value)
            assert sound(into)

    law()


def _do(into: Journal, number: int, what: str, value: object) -> None:
    keeping, newest = into.retention(), into.entries(Query(limit=1))
    now = newest[0].time if newest else NOON
    match what, value:
        case "apply", dict():
            apply(into, number, [origin(name, f"{version}".encode()) for name, version in value.items()])
        case "note", _:
            into.note(Note(Happening.ANCHORED, "left outside", ANN))
        case "decide", int():
            tried = attempt(value)
            into.decide(tried, conclusion(tried))
        case "hold", (int() as back, int() as long):
            begin = now - timedelta(seconds=back)
            keeping.hold(begin, begin + timedelta(seconds=long), "case", ANN)
        case "release", int():
            holding = [one for one in keeping.holds() if one.released is None]
            if value < len(holding):
                keeping.release(holding[value].number, "closed", ANN)
        case "prune", int():
            _check_pruned(into, now - timedelta(seconds=value))


def _check_pruned(into: Journal, before: datetime) -> None:
    had, served = with_body(into), into.served()
    newer = {record.sequence for record in into.records() if record.time >= before}
    holding = [one for one in into.retention().holds() if one.released is None]
    held = {
        record.sequence
        for record in into.records()
        for one in holding
        if one.since and one.until and one.since <= record.time < one.until
    }
    told = [(moment, into.at(moment)) for one in holding if (moment := one.since)]
    would = into.retention().would_delete(before)
    steps = prune(into, before)
    assert sum(step.records for step in steps) == would.records == len(had - with_body(into))
    assert had & (newer | held) <= with_body(into)
    assert into.served() == served
    for version in served.origins:
        (now,) = [
            one
            for one in into.versions().versions(str(version.id.kind), "default", version.id.name, ("9" * 40,))
            if one.until is None
        ]
        assert into.entry(now.entry) is not None
    for moment, then in told:
        if then.entry is not None:
            assert into.at(moment).origins == then.origins
    assert sound(into)
