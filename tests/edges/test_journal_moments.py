"""A moment of the past: what is told of it where nothing is kept, and that it is found without a long walk."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from reconciler.audit import Journal
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.question import Query
from tests.support.journals import NOON, Clock, apply, attempt, conclusion, journal, origin

OLDER = Path(__file__).parents[1] / "support" / "journal-schema-1.sql"
ANN = Actor("ann", "command line on desk")


def test_what_was_never_kept_was_not_deleted_by_retention(tmp_path: Path) -> None:
    """Of a time before a migration only digests are known, whatever retention deleted of that time."""
    place = tmp_path / "journal.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(OLDER.read_text())
    with closing(Journal.open(place, Clock(NOON + timedelta(hours=1)))) as into:
        into.interrupt(13)
        apply(into, 8, [origin("new")])
        apply(into, 9, [origin("newer")])
        first, second = into.entry(2), into.entry(4)
        assert first is not None
        assert second is not None
        held = into.retention().hold(first.time, first.time + timedelta(milliseconds=1), "case 7", ANN)
        step = into.retention().step(into.entries(Query(limit=1))[0].time, ANN)
        assert step.noted
        then = into.at(first.time)
        assert (then.entry, then.origins, then.deleted) == (None, (), None)
        then = into.at(2)
        assert (then.entry and then.entry.sequence, then.origins, then.deleted) == (2, (), None)
        then = into.at(second.time + timedelta(seconds=1))
        assert (then.entry, then.origins, then.deleted) == (None, (), step.noted)
        assert (held, into.verify().finding) == (step.noted - 1, "")


def test_what_is_under_way_is_found_however_much_was_noted_since(tmp_path: Path) -> None:
    """It is asked of what is open and what ended, not of every record since."""
    with closing(journal(tmp_path / "journal.db")) as into:
        apply(into, 1, [origin("api")])
        tried = attempt(2)
        steps = [_steps(into)]
        for _ in range(200):
            into.note(Note(Happening.AUDIT_GAP, "something is missing"))
        steps.append(_steps(into))
        assert steps[1] < steps[0] + 100
        begun = into.intend(tried)
        number = into.note(Note(Happening.AUDIT_GAP, "something is missing"))
        assert (into.at(number).under_way, into.at(begun - 1).under_way) == (begun, None)
        into.conclude(begun, conclusion(tried), None, None)
        assert (into.at(number).under_way, into.at(number + 1).under_way) == (begun, None)


def _steps(into: Journal) -> int:
    """How many steps SQLite makes to tell what was served at the end."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    newest = into.entries(Query(limit=1))[0].sequence
    with into._place.reader.connect() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(count, 1)
    into.at(newest)
    driver.set_progress_handler(None, 0)
    return counted[0]
