"""While the journal can't be written nothing is applied, or something is and the journal tells of the gap first."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit import Clerk, Journal, Spool
from reconciler.audit.store import sqlite
from reconciler.model.audit import Documents, Event
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import Entry
from reconciler.model.errors import Transient
from reconciler.model.happening import Happening, Note
from reconciler.model.question import Query
from tests.support.disk import limited_file_size, small_disk
from tests.support.journals import SNAPSHOT, Clock, attempt, commit, conclusion, journal, origin

fork = multiprocessing.get_context("fork")
START = Note(Happening.AUDIT_START, "begins")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the journal of a test is."""
    return tmp_path / "journal.db"


def clerk_of(opened: Journal, *, goes_on: bool, spool: Path | None = None) -> tuple[Clerk, list[str]]:
    """A clerk, and what it said of the journal."""
    said: list[str] = []
    return Clerk(opened, Clock(), goes_on, Spool.at(spool), said.append), said


@contextmanager
def held_by_another(place: Path) -> Iterator[None]:
    """Another process holds SQLite's write lock: every write ends as busy."""
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is waited for only briefly."""
    monkeypatch.setattr(sqlite, "_BUSY_MILLISECONDS", 50)


def apply(clerk: Clerk, number: int) -> int:
    """One whole apply; returns what it is recorded as, 0 for not at all."""
    tried = attempt(number)
    intended = clerk.intend(tried)
    ended = clerk.conclude(intended, conclusion(tried), Documents.of([origin(f"m{number}")]), SNAPSHOT)
    return intended or ended


def gap_of(entries: list[Entry]) -> dict[str, Json]:
    """The body of the newest gap."""
    return next(entry.records[0].body for entry in entries if Happening.AUDIT_GAP in entry.happened)


def test_closed_nothing_is_done_that_cannot_be_recorded(place: Path) -> None:
    """As a lock keeps the intent from being written; after that all goes on without a gap."""
    opened = journal(place)
    clerk, said = clerk_of(opened, goes_on=False)
    with held_by_another(place), pytest.raises(Transient):
        clerk.intend(attempt(1))
    assert clerk.trouble
    assert (clerk.unrecorded, len(said)) == (0, 1)
    assert apply(clerk, 1)
    assert (clerk.trouble, said[1:]) == ("", [""])
    assert not [entry for entry in opened.entries() if Happening.AUDIT_GAP in entry.happened]
    opened.close()


def test_open_it_is_done_and_the_gap_is_told_first(place: Path, tmp_path: Path) -> None:
    """What was decided meanwhile is in the gap; what is served now is recorded after it; everything verifies."""
    opened = journal(place)
    clerk, said = clerk_of(opened, goes_on=True, spool=tmp_path / "missed")
    apply(clerk, 1)
    with held_by_another(place):
        assert [apply(clerk, 2), apply(clerk, 3)] == [0, 0]
        assert clerk.unrecorded == 4
        assert len(said) == 1
        clerk.settle()
        assert clerk.unrecorded == 4
    apply(clerk, 4)
    assert (clerk.unrecorded, clerk.trouble, len(said)) == (0, "", 2)
    assert not (tmp_path / "missed").exists()
    told = list(opened.records())
    place_of_gap = next(i for i, record in enumerate(told) if "audit-gap" in record.body.get("happened", []))  # type: ignore[operator]
    after = [(r.event, r.body.get("source", {}).get("commit")) for r in told[place_of_gap + 1 :]]  # type: ignore[union-attr]
    assert after == [
        (Event.INTENT, commit(3).sha),
        (Event.RESULT, None),
        (Event.INTENT, commit(4).sha),
        (Event.RESULT, None),
    ]
    gap = gap_of(opened.entries())
    assert (gap["missed"], gap["lost"]) == (4, 0)
    decisions = gap["decisions"]
    assert isinstance(decisions, list)
    assert [(d["what"], d["revision"], d.get("decision")) for d in decisions if isinstance(d, dict)] == [
        ("intent", f"main@sha1:{commit(2).sha}", None),
        ("result", f"main@sha1:{commit(2).sha}", "Applied"),
        ("intent", f"main@sha1:{commit(3).sha}", None),
        ("result", f"main@sha1:{commit(3).sha}", "Applied"),
    ]
    assert str(gap["from"]) < str(gap["to"])
    assert opened.verify().bad is None
    opened.close()


def test_open_what_is_served_is_recorded_without_another_apply(place: Path) -> None:
    """A poll is enough: after a restart what was applied unrecorded is what is served."""
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=True)
    intended = clerk.intend(attempt(1))
    with held_by_another(place):
        assert clerk.conclude(intended, conclusion(attempt(1)), Documents.of([origin("only")]), SNAPSHOT) == 0
    assert opened.served().origins == ()
    clerk.settle()
    assert [one.id.name for one in opened.served().origins] == ["only"]
    assert opened.unfinished() is None
    newest, gap, interrupted = opened.entries()
    assert newest.decision is Decision.APPLIED
    assert gap.happened == (Happening.AUDIT_GAP,)
    assert interrupted.interrupted
    assert interrupted.records[1].body["cause"] == "result not written"
    assert "could not be written" in interrupted.message
    opened.close()


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_beginning_that_cannot_be_recorded_keeps_nobody_from_starting(place: Path, goes_on: bool) -> None:
    """It is the first record as soon as there can be one."""
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=goes_on)
    with held_by_another(place):
        assert clerk.open_with(START) == 0
    apply(clerk, 1)
    assert [entry.happened for entry in opened.entries()] == [(Happening.APPLY,), (Happening.AUDIT_START,)]
    opened.close()


def test_a_journal_on_a_disk_that_is_full(tmp_path: Path) -> None:
    """Neither journal nor spool can grow: it goes on in memory, and tells when there is room."""
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        opened = journal(disk / "journal.db")
        clerk, _ = clerk_of(opened, goes_on=True, spool=disk / "missed")
        apply(clerk, 1)
        filler = disk / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:  # until there is no space left
            while True:
                file.write(b"x" * 65_536)
        made = 0
        while not clerk.unrecorded:  # what is left of the journal's own pages takes some
            made += 1
            apply(clerk, made)
            assert made < 200
        assert clerk.trouble
        filler.unlink()
        clerk.settle()
        assert (clerk.unrecorded, clerk.trouble) == (0, "")
        assert gap_of(opened.entries(Query(happened=frozenset({Happening.AUDIT_GAP}))))["missed"]
        assert opened.verify().bad is None
        opened.close()


def _dies_with_a_gap(place: Path, spool: Path, report: Connection) -> None:
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=True, spool=spool)
    with held_by_another(place):
        apply(clerk, 7)
        report.send("done")
        signal.pause()


def test_a_gap_outlives_the_process_that_made_it(place: Path, tmp_path: Path) -> None:
    """Killed before the journal could be told: the next process tells what the first one did."""
    journal(place).close()
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=_dies_with_a_gap, args=(place, tmp_path / "missed", theirs))
    child.start()
    assert ours.recv() == "done"
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=False, spool=tmp_path / "missed")
    assert clerk.unrecorded == 2
    clerk.open_with(START)
    assert [entry.happened for entry in opened.entries()] == [(Happening.AUDIT_GAP,), (Happening.AUDIT_START,)]
    gap = gap_of(opened.entries())
    assert commit(7).sha in str(gap["decisions"])
    again, _ = clerk_of(opened, goes_on=False, spool=tmp_path / "missed")
    assert (again.unrecorded, again.ours) == (0, (SNAPSHOT,))  # until it is recorded what is served
    apply(again, 8)
    assert again.ours == ()
    assert not (tmp_path / "missed").exists()
    opened.close()


def test_what_is_kept_is_bounded_and_all_of_it_is_counted(tmp_path: Path) -> None:
    """By the next process, too; a line that was cut is counted, and the one after it is whole again."""
    file = tmp_path / "missed"
    spool = Spool.at(file)
    for number in range(1_005):
        spool.add({"n": number})
    for each in (spool, Spool.at(file)):
        assert (len(each.kept), each.missed, len(each), each.gap) == (1_000, 1_005, 1_005, spool.gap)
    spool.tell(1_003)
    assert len(Spool.at(file)) == 2
    spool.tell(1_005)
    assert not file.exists()
    spool.add({"n": 1})
    with file.open("ab") as cut:
        cut.write(b'{"n": 2')
    again = Spool.at(file)
    assert (again.kept, again.missed) == ([{"n": 1}], 2)
    again.add({"n": 3})
    assert Spool.at(file).kept == [{"n": 1}, {"n": 3}]
    assert len(Spool.at(file)) == 3
    fresh = Spool.at(tmp_path / "other")
    with limited_file_size(0):
        fresh.add({"n": 1})
    assert (len(fresh), fresh.on_disk) == (1, False)


def test_a_long_gap_is_told_whole(place: Path, tmp_path: Path) -> None:
    """In as many records as it takes; what is beyond the bound is counted by the last, after a restart as well."""
    spool = Spool.at(tmp_path / "missed")
    for number in range(1_005):
        spool.add({"n": number, "at": f"{number:04}"})
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=False, spool=tmp_path / "missed")
    clerk.open_with(START, waits=True)
    bodies: list[Any] = [entry.records[0].body for entry in reversed(opened.entries())][1:]
    assert [(body["missed"], body["lost"], body["through"]) for body in bodies] == [
        (200, 0, 200),
        (200, 0, 400),
        (200, 0, 600),
        (200, 0, 800),
        (205, 5, 1_005),
    ]
    assert [told["n"] for body in bodies for told in body["decisions"]] == list(range(1_000))
    assert {body["gap"] for body in bodies} == {spool.gap}
    opened.close()


def test_a_gap_is_told_once_though_the_process_dies_before_it_knows(place: Path, tmp_path: Path) -> None:
    """Killed right after the first of two notes: the file does not say yet that it was told."""
    file = tmp_path / "missed"
    spool = Spool.at(file)
    for number in range(250):
        spool.add({"n": number})
    before = file.read_bytes()
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=False, spool=file)
    clerk.open_with(START)
    first = next(entry for entry in opened.entries() if entry.records[0].body.get("through") == 200)
    second = journal(tmp_path / "second.db")
    second.note(Note(Happening.AUDIT_GAP, "as the first", facts=first.records[0].body))
    file.write_bytes(before)
    again, _ = clerk_of(second, goes_on=False, spool=file)
    again.open_with(START)
    gaps = second.entries(Query(happened=frozenset({Happening.AUDIT_GAP})))
    assert [gap.records[0].body["missed"] for gap in gaps] == [50, 200]
    opened.close()
    second.close()


def test_what_cannot_be_read_is_told(place: Path, tmp_path: Path) -> None:
    """Nobody knows how much was missed; the journal says so once, and what is there stays for people."""
    (tmp_path / "missed").mkdir()
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=False, spool=tmp_path / "missed")
    assert clerk.unrecorded
    clerk.open_with(START, waits=True)
    clerk.settle()
    assert not clerk.unrecorded
    gap = gap_of(opened.entries())
    assert (gap["missed"], gap["why"]) == ("unknown", "Is a directory")
    assert len(opened.entries()) == 2
    assert (tmp_path / "missed.unreadable").is_dir()
    opened.close()


def test_an_end_names_the_beginning_that_was_late(place: Path) -> None:
    """It could not be written when the process began; where none was to be written, no end is."""
    opened = journal(place)
    clerk, _ = clerk_of(opened, goes_on=False)
    with held_by_another(place):
        assert clerk.open_with(START) == 0
    clerk.close_with(lambda began: Note(Happening.AUDIT_STOP, "ends", facts={"began_with": began}))
    stop, start = opened.entries()
    assert stop.records[0].body["began_with"] == start.sequence
    clerk, _ = clerk_of(opened, goes_on=False)
    clerk.open_with(START, waits=True)
    clerk.settle()
    clerk.close_with(lambda _began: Note(Happening.AUDIT_STOP, "ends"))
    assert len(opened.entries()) == 2
    opened.close()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Who may write to the directory must not have another file of ours appended to."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "missed").symlink_to(tmp_path / "target")
    spool = Spool(tmp_path / "missed")
    spool.add({"n": 1})
    assert (tmp_path / "target").read_text() == "precious"
    assert not spool.on_disk
