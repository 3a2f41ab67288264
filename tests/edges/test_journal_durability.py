"""What was recorded stays, and nothing is half recorded: full disks, killed processes, two writers."""

import multiprocessing
import os
import random
import resource
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import event

from reconciler.audit import Journal
from reconciler.model.audit import Documents, Event
from reconciler.model.errors import Transient
from tests.support.journals import SNAPSHOT, Clock, apply, attempt, commit, conclusion, journal, origin

# Children inherit the warm interpreter; each opens its own database.
fork = multiprocessing.get_context("fork")

LARGE = os.urandom(2_000_000).hex().encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the journal of a test is."""
    return tmp_path / "journal.db"


def fails_whole_then_works(opened: Journal, make_room: Iterator[None]) -> None:
    """One round: a large result does not fit, nothing of it is there, and after there is room it does."""
    apply(opened, 1, [origin("small")])
    before = opened.served()
    records = len(list(opened.records()))
    sequence = opened.intend(attempt(2))
    next(make_room)
    with pytest.raises(Transient) as failed:
        opened.conclude(sequence, conclusion(attempt(2)), Documents.of([origin("large", LARGE)]), SNAPSHOT)
    assert failed.value.reason == "JournalWriteFailed"
    assert opened.unfinished() == sequence
    assert opened.served() == before
    assert len(list(opened.records())) == records + 1
    assert opened.verify().bad is None
    next(make_room)
    opened.conclude(sequence, conclusion(attempt(2)), Documents.of([origin("large", LARGE)]), SNAPSHOT)
    assert opened.unfinished() is None
    assert opened.served().origins == (origin("large", LARGE),)
    assert opened.verify().bad is None


def test_a_full_database_loses_nothing(place: Path) -> None:
    """At SQLite's own size limit a write fails whole, as Transient; with the limit lifted it works again."""
    opened = journal(place)
    pages = 60

    def limit(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]  # sqlite3.Connection

    def room() -> Iterator[None]:
        nonlocal pages
        event.listen(opened._place.writer, "connect", limit)
        opened._place.writer.dispose()
        yield
        pages = 1_000_000
        opened._place.writer.dispose()
        yield

    fails_whole_then_works(opened, room())
    opened.close()


def _on_a_full_disk(place: Path) -> None:
    def room() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        yield

    opened = journal(place)
    fails_whole_then_works(opened, room())
    opened.close()


def test_a_full_disk_loses_nothing(place: Path) -> None:
    """When the kernel refuses to let the files grow, a write fails whole, as Transient; with room it works again."""
    child = fork.Process(target=_on_a_full_disk, args=(place,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    again = Journal.open(place, Clock(), read_only=True)
    assert again.verify().bad is None
    again.close()


def _apply_until_killed(place: Path, first: int, report: Connection) -> None:
    opened = journal(place)
    number = first
    while True:
        tried = attempt(number)
        sequence = opened.intend(tried)
        report.send(("intent", sequence, number))
        documents = [origin(f"m{n}", str(number).encode()) for n in range(20)]
        report.send(("result", opened.conclude(sequence, conclusion(tried), Documents.of(documents), SNAPSHOT), number))
        number += 1


def _run_and_kill(place: Path, first: int, dice: random.Random) -> list[tuple[str, int, int]]:
    """Lets a process apply for a random while, kills it, and returns what it had been told was recorded."""
    ours, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=_apply_until_killed, args=(place, first, theirs))
    child.start()
    theirs.close()
    told = [ours.recv() for _ in range(dice.randrange(1, 12))]
    ours.poll(dice.random() * 0.01)  # not to wait for anything: to strike at any point of a write
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    while True:
        try:
            told.append(ours.recv())
        except EOFError:
            return told


def test_kill_at_any_point_loses_nothing_that_was_acknowledged(place: Path) -> None:
    """Killed 40 times while it writes: the chain verifies, what was acknowledged is there, the open intent is known.

    What is served is always what the last result recorded: the two are one transaction.
    """
    dice = random.Random(7)
    left_open = 0
    for run in range(40):
        told = _run_and_kill(place, run * 1000, dice)
        opened = journal(place)
        assert opened.verify().bad is None
        found = {record.sequence: record for record in opened.records()}
        for kind, sequence, number in told:
            assert found[sequence].event == kind, (run, number)
        concluded = {record.body["intent"] for record in found.values() if "intent" in record.body}
        still_open = [s for s, r in found.items() if r.event is Event.INTENT and s not in concluded]
        assert opened.unfinished() == (still_open[0] if still_open else None)
        served = opened.served()
        if served.revision is not None:
            documents = {int(o.document) for o in served.origins}
            assert [served.revision.sha] == [commit(number).sha for number in documents]
        if still_open:
            left_open += 1
            opened.interrupt(still_open[0])
        opened.close()
    assert 0 < left_open < 40  # both cases were met


def _apply_many(place: Path, first: int) -> None:
    opened = journal(place)
    for number in range(first, first + 25):
        apply(opened, number, [origin("api", str(number).encode())])
    opened.close()


def test_two_writers_never_fork_the_chain(place: Path) -> None:
    """Two processes that append at once take turns: one chain, every record in it, what is served is the last's."""
    journal(place).close()
    writers = [fork.Process(target=_apply_many, args=(place, first)) for first in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    opened = journal(place)
    assert opened.verify().records == 1 + 2 * 2 * 25
    assert opened.verify().bad is None
    assert {entry.commit for entry in opened.entries()} == {
        commit(number).sha for first in (0, 1000) for number in range(first, first + 25)
    }
    last = [record for record in opened.records() if record.event is Event.RESULT][-1]
    served = opened.served()
    assert isinstance(last.body["served"], dict)
    assert str(served.revision) == last.body["served"]["revision"]
    opened.close()
