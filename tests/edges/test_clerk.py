"""While the journal can't be written nothing is applied, or something is and the journal tells of the gap first."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

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
    assert not (tmp_path / "missed").exists()
    opened.close()


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """Beyond the bound it is only counted; a cut line, too, and the next one is whole again."""
    spool = Spool.at(tmp_path / "missed")
    for number in range(1_005):
        spool.add({"n": number})
    assert (len(spool.found), spool.lost, len(spool)) == (1_000, 5, 1_005)
    with (tmp_path / "missed").open("ab") as file:
        file.write(b'{"n": 1')
    again = Spool.at(tmp_path / "missed")
    assert (len(again.found), again.lost) == (1_000, 1)
    fresh = Spool.at(tmp_path / "other")
    with limited_file_size(0):
        fresh.add({"n": 1})
    assert (len(fresh), fresh.on_disk) == (1, False)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Who may write to the directory must not have another file of ours appended to."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "missed").symlink_to(tmp_path / "target")
    spool = Spool(tmp_path / "missed")
    spool.add({"n": 1})
    assert (tmp_path / "target").read_text() == "precious"
    assert not spool.on_disk
