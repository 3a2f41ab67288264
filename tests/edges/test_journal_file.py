"""What is so of a journal in a file: who may read it, what is beside it, what its bytes hold."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.audit import Journal
from reconciler.audit.store import sqlite
from reconciler.audit.store.append import Hand
from reconciler.audit.store.database import Database
from reconciler.model.audit import Documents, Event
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.errors import Stalled
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from tests.support.journals import (
    SNAPSHOT,
    Clock,
    apply,
    attempt,
    commit,
    conclusion,
    filled,
    journal,
    origin,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the journal of a test is, in a state directory that does not exist yet."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def opened(place: Path) -> Iterator[Journal]:
    """A new journal, open for writing."""
    made = journal(place)
    yield made
    made.close()


def test_a_new_journal_belongs_to_its_owner(place: Path, opened: Journal) -> None:
    """Directory, database and its side files are closed to others, whatever the umask."""
    apply(opened, 1)
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.parent.iterdir()} == {0o600}


def test_closing_leaves_one_file(place: Path, opened: Journal) -> None:
    """After close, and after a reader's close too, the database file alone holds everything."""
    apply(opened, 1)
    opened.close()
    assert [path.name for path in place.parent.iterdir()] == ["journal.db"]
    reader = Journal.open(place, Clock(), read_only=True)
    assert reader.verify().records == 3
    reader.close()
    assert [path.name for path in place.parent.iterdir()] == ["journal.db"]


def test_commits_reach_the_disk(opened: Journal) -> None:
    """The database runs in WAL mode with synchronous=FULL and foreign keys on."""
    with opened._place.writer.connect() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_secrets_never_reach_the_file(place: Path, opened: Journal) -> None:
    """A password or token in any URL, in whatever text, is in no byte of the database."""
    leak = "https://ann:hunter2@git.example.com/r.git?access_token=hunter2#x"
    tried = attempt(
        1,
        repository=leak,
        commit=commit(1, subject=f"see {leak}"),
        commits_in_range=(commit(1, subject=f"see {leak}"),),
    )
    problem = Problem(Code.NOT_YAML, Severity.ERROR, f"could not read {leak}", Provenance("a.yaml"), got=leak)
    ack = Ack("xds", "n", "t", "v", AckState.NACKED, Evidence.STREAM, f"from {leak}")
    ended = conclusion(tried, message=f"failed at {leak}", problems=(problem,), acks=(ack,))
    opened.conclude(opened.intend(tried), ended, Documents.of([]), SNAPSHOT)
    opened.decide(replace(tried, repository="ann:hunter2@git.example.com:r.git"), ended)
    opened.close()
    assert b"hunter2" not in place.read_bytes()
    reader = Journal.open(place, Clock(), read_only=True)
    first = next(record for record in reader.records() if record.event is Event.INTENT)
    reader.close()
    assert isinstance(first.body["source"], dict)
    assert first.body["source"]["repository"] == "https://git.example.com/r.git"


def test_only_changed_documents_are_written(opened: Journal) -> None:
    """Rows of documents that stay are not touched: a trigger that forbids it does not fire."""
    apply(opened, 1, [origin("stays"), origin("changes"), origin("goes")])
    with opened._place.writer.begin() as connection:
        for verb in ("INSERT", "DELETE"):
            row = "NEW" if verb == "INSERT" else "OLD"
            connection.execute(
                text(
                    f"CREATE TRIGGER no_{verb} BEFORE {verb} ON served WHEN {row}.name = 'stays' "
                    "BEGIN SELECT RAISE(ABORT, 'touched'); END"
                )
            )
    apply(opened, 2, [origin("stays"), origin("changes", line=9), origin("comes")])
    assert [o.id.name for o in opened.served().origins] == ["changes", "comes", "stays"]


def test_reading_where_nothing_may_be_written(place: Path) -> None:
    """A journal on a read-only volume can be read and verified, and nothing is left beside it."""
    filled(place)
    place.chmod(0o400)
    place.parent.chmod(0o500)
    try:
        reader = Journal.open(place, Clock(), read_only=True)
        assert reader.verify().bad is None
        reader.close()
        assert [path.name for path in place.parent.iterdir()] == ["journal.db"]
    finally:
        place.parent.chmod(0o700)


def test_a_volume_that_is_mounted_read_only(place: Path) -> None:
    """Where not even SQLite's side files can be made, the one file is read as it is."""
    filled(place)
    # Straight to the engine: the superuser, as whom tests may run, can write everywhere.
    engine = sqlite.engine_of(place, read_only=True, writable=False)
    reader = Journal(Database(engine, engine, str(place), read_only=True), Hand(Clock(), "test", None))
    assert reader.verify().bad is None
    assert len(reader.entries()) == 7
    assert [path.name for path in place.parent.iterdir()] == ["journal.db"]
    reader.close()


def test_a_missing_journal_is_not_made_by_reading(place: Path) -> None:
    """A reading verb says where it looked and leaves the disk alone."""
    with pytest.raises(Stalled, match=r"no journal at .*journal\.db") as missing:
        Journal.open(place, Clock(), read_only=True)
    assert missing.value.reason == "JournalMissing"
    assert not place.parent.exists()


def test_a_newer_journal_is_left_alone(place: Path, opened: Journal) -> None:
    """A layout of the future is refused, not guessed at."""
    with opened._place.writer.begin() as connection:
        connection.execute(text("PRAGMA user_version = 99"))
    opened.close()
    with pytest.raises(Stalled, match="layout 99") as newer:
        journal(place)
    assert newer.value.reason == "JournalTooNew"


@pytest.mark.parametrize("url", ["nonsense://u:hunter2@h/db", "postgresql+nodriver://u:hunter2@h/db"])
def test_a_database_url_that_makes_no_sense(url: str) -> None:
    """An unknown database is refused with a sentence that holds no password."""
    with pytest.raises(Stalled) as refused:
        Journal.open(url, Clock())
    assert refused.value.reason == "JournalUnavailable"
    assert "hunter2" not in str(refused.value)
