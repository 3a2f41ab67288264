"""What no content vouches for is found all the same: states put beside records, what is left of deleted ones."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from reconciler.audit import Journal
from reconciler.model.audit import Documents, Verification
from reconciler.model.decision import Decision
from reconciler.model.errors import Stalled
from reconciler.model.happening import Actor
from reconciler.model.question import Query
from tests.support import postgres
from tests.support.journals import SNAPSHOT, Clock, Shelf, apply, attempt, conclusion, journal, origin

ANN = Actor("ann", "command line on desk")
REFUSED = 14  # the last decision but one, which says nothing of what is served


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed journal, of which retention deleted the beginning."""
    place = tmp_path_factory.mktemp("journal") / "journal.db"
    into = journal(place)
    for number in range(1, 7):
        apply(into, number, [origin("api", f'{{"n":{number}}}'.encode()), origin(f"only-{number}")])
    cutoff = into.entries(Query(limit=1))[0].time
    refused = attempt(7)
    into.decide(refused, conclusion(refused, decision=Decision.REFUSED))
    assert into.retention().step(cutoff, ANN).records
    into.close()
    return place


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy to forge."""
    return Path(shutil.copy(original, tmp_path))


def edit(place: Path, *statements: str) -> None:
    """Edits the database as an intruder with a SQLite shell would."""
    with closing(sqlite3.connect(place)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def verified(place: Path) -> Verification:
    """What verification says."""
    with closing(Journal.open(place, Clock(), read_only=True)) as reader:
        return reader.verify()


FORGED = (
    "INSERT INTO served_states (sequence, time_ms, entry, era, revision, snapshot, resources, documents) "
    "SELECT 14, time_ms, 14, era, 'main@forged', snapshot, resources, documents "
    "FROM served_states ORDER BY sequence DESC LIMIT 1"
)


def test_a_state_beside_a_record_that_says_none_is_named(copy: Path) -> None:
    """However well it goes with the versions."""
    assert not verified(copy).finding
    edit(copy, FORGED)
    found = verified(copy)
    assert (found.bad, "does not say what is served" in found.finding) == (REFUSED, True)


@pytest.mark.parametrize(
    "forgery",
    [
        FORGED,
        "DELETE FROM served_states WHERE sequence = (SELECT max(sequence) FROM served_states)",
        "UPDATE served_states SET revision = 'main@forged' WHERE sequence = (SELECT max(sequence) FROM served_states)",
        "UPDATE served_states SET era = NULL WHERE sequence = (SELECT max(sequence) FROM served_states)",
        "UPDATE served SET path = 'routes/forged.yaml' WHERE until IS NULL AND name = 'api'",
        "DELETE FROM served WHERE until IS NULL AND name = 'api'",
    ],
)
def test_what_was_forged_is_not_served_again(copy: Path, forgery: str) -> None:
    """A controller that starts says that the journal is damaged, and adds nothing to it."""
    edit(copy, forgery)
    assert verified(copy).finding
    with closing(journal(copy)) as into:
        with pytest.raises(Stalled, match="served") as stopped:
            into.served()
        assert stopped.value.reason == "JournalDamaged"
        tried = attempt(8)
        intent = into.intend(tried)
        with pytest.raises(Stalled):
            into.conclude(intent, conclusion(tried), Documents.of([origin("api")]), SNAPSHOT)


@pytest.mark.parametrize(
    "edited",
    [
        "records SET time = '2020-01-01T00:00:00.000Z' WHERE sequence = 4",
        "records SET entry = 4 WHERE sequence = 7",
        "records SET event = 'note' WHERE sequence = 5",
        "served_states SET time_ms = time_ms + 1 WHERE sequence = 5",
        "served_states SET revision = 'main@forged' WHERE sequence = 5",
        "served_states SET entry = 2 WHERE sequence = 5",
        "served_states SET resources = 7 WHERE sequence = 5",
    ],
)
def test_what_is_left_of_a_deleted_record_is_as_it_was(copy: Path, edited: str) -> None:
    """Its columns, and what it said is served."""
    edit(copy, f"UPDATE {edited}")
    assert verified(copy).finding


def test_a_state_of_a_deleted_record_neither_comes_nor_goes(copy: Path) -> None:
    """Each is noted when the content is deleted."""
    edit(copy, FORGED.replace("14", "4"))
    assert "what is left" in verified(copy).finding
    edit(copy, "DELETE FROM served_states WHERE sequence = 4", "DELETE FROM served_states WHERE sequence = 5")
    assert "what is left" in verified(copy).finding


def test_what_the_database_noted_of_its_tables_is_no_tampering(copy: Path) -> None:
    """ANALYZE makes a table of its own; a table of somebody's is still found."""
    edit(copy, "ANALYZE")
    assert not verified(copy).finding
    edit(copy, "CREATE TABLE sqlitestat (a)")
    assert "tables" in verified(copy).finding


def test_verification_of_a_large_journal_ends_in_postgresql() -> None:
    """Its statements join where `NOT IN` would walk one table for each row of another, and may take their time."""
    running, statements = postgres.server(), list[str]()
    with closing(Shelf(running.url, running.schema()).open()) as into:
        apply(into, 1, [origin("api")])

        @event.listens_for(into._place.reader, "before_cursor_execute")
        def keep(_connection: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
            statements.append(f"{statement} {given}")

        assert not into.verify().finding
    assert ("statement_timeout" in statements[0], "3600s" in statements[0]) == (True, True)
    assert len(statements) > 10
    assert not [each for each in statements if "NOT IN (SELECT" in each]
