"""A journal in PostgreSQL: several writers, lost sessions, a server that comes back, and what somebody edits."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event

from reconciler.audit import Journal
from reconciler.audit.proof.signing import Signer
from reconciler.model.audit import Documents
from reconciler.model.errors import ReconcileError, Stalled, Transient
from tests.support import postgres
from tests.support.journals import SNAPSHOT, Shelf, apply, attempt, commit, conclusion, origin

# Children inherit the warm interpreter; each opens its own sessions.
fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def running() -> postgres.Postgres:
    """The server."""
    return postgres.server()


@pytest.fixture
def shelf(running: postgres.Postgres) -> Shelf:
    """A schema that is not there yet."""
    return Shelf(running.url, running.schema())


@pytest.fixture
def opened(shelf: Shelf) -> Iterator[Journal]:
    """A journal for one controller alone."""
    made = shelf.open(alone=True)
    yield made
    made.close()


def test_a_journal_has_a_schema_of_its_own(running: postgres.Postgres, shelf: Shelf, opened: Journal) -> None:
    """Two journals in one database know nothing of each other, and nothing is made elsewhere."""
    other = replace(shelf, schema=running.schema()).open()
    apply(opened, 1, [origin("api")])
    assert other.verify().records == 1
    other.close()
    found = running.ask("SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name = 'records'")
    assert {shelf.schema, other._place.schema} <= {name for (name,) in found}
    assert ("public",) not in found


def test_a_second_controller_is_turned_away_until_the_first_is_gone(shelf: Shelf, opened: Journal) -> None:
    """One controller writes; verbs may append beside it."""
    with pytest.raises(Transient, match="another controller writes") as refused:
        shelf.open(alone=True)
    assert refused.value.reason == "JournalInUse"
    verb = shelf.open()
    apply(verb, 1, [origin("api")])
    verb.close()
    apply(opened, 2, [origin("web")])
    assert [each.id.name for each in opened.served().origins] == ["web"]
    assert opened.verify().finding == ""
    opened.close()
    again = shelf.open(alone=True)
    assert again.verify().records == 5
    again.close()


def test_a_server_that_restarts_is_found_again(running: postgres.Postgres, opened: Journal) -> None:
    """While it is away all is passing trouble; then it goes on where it was, still the only controller."""
    apply(opened, 1, [origin("api")])
    running.stop()
    try:
        for call in (opened.served, opened.verify, lambda: opened.intend(attempt(2))):
            with pytest.raises(Transient) as failed:
                call()
            assert postgres.PASSWORD not in str(failed.value)
    finally:
        running.start()
    apply(opened, 2, [origin("api", b"[2]")])
    assert opened.served().origins == (origin("api", b"[2]"),)
    assert opened.verify().finding == ""


def test_a_session_lost_in_a_conclusion_leaves_nothing_of_it(running: postgres.Postgres, opened: Journal) -> None:
    """Whatever was written by then is gone; the same conclusion works afterwards."""
    apply(opened, 1, [origin("api")])
    before, sequence = opened.served(), opened.intend(attempt(2))

    def kill(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("INSERT INTO served_states"):
            running.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")

    event.listen(opened._place.writer, "before_cursor_execute", kill)
    documents = Documents.of([origin("web")])
    with pytest.raises(Transient) as failed:
        opened.conclude(sequence, conclusion(attempt(2)), documents, SNAPSHOT)
    assert failed.value.reason == "JournalWriteFailed"
    event.remove(opened._place.writer, "before_cursor_execute", kill)
    assert (opened.unfinished(), opened.served(), opened.verify().records) == (sequence, before, 4)
    opened.conclude(sequence, conclusion(attempt(2)), documents, SNAPSHOT)
    assert opened.unfinished() is None
    assert opened.verify().finding == ""


def _apply_many(shelf: Shelf, first: int) -> None:
    opened = shelf.open()
    for number in range(first, first + 10):
        apply(opened, number, [origin("api", str(number).encode())])
    opened.close()


def test_two_writers_never_fork_the_chain(shelf: Shelf) -> None:
    """Two processes that make the journal and append at once take turns: one chain, every record in it."""
    writers = [fork.Process(target=_apply_many, args=(shelf, first)) for first in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    opened = shelf.open(read_only=True)
    assert (opened.verify().records, opened.verify().finding) == (1 + 2 * 2 * 10, "")
    wanted = {commit(number).sha for first in (0, 1000) for number in range(first, first + 10)}
    assert {entry.commit for entry in opened.entries()} == wanted
    opened.close()


def test_reading_makes_nothing(running: postgres.Postgres, shelf: Shelf) -> None:
    """A reading verb says where it looked, without the password, and leaves the database alone."""
    with pytest.raises(Stalled, match=f"no journal in schema {shelf.schema} of database keeper at 127") as missing:
        shelf.open(read_only=True)
    assert missing.value.reason == "JournalMissing"
    assert postgres.PASSWORD not in str(missing.value)
    assert running.ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", shelf.schema) == []


@pytest.mark.parametrize(
    ("found", "given"),
    [
        ("hunter2", "hunter3"),
        ("/keeper?", "/nowhere?"),
        ("sslmode=disable", "sslmode=verify-full&sslrootcert=/nowhere"),
        ("sslmode=disable", "nonsense=hunter2"),
        ("127.0.0.1:", "127.0.0.1:1"),
    ],
)
def test_a_database_that_can_not_be_used(shelf: Shelf, found: str, given: str) -> None:
    """Whatever is wrong with it, it is said, without the password."""
    assert found in str(shelf.place)
    wrong = replace(shelf, place=str(shelf.place).replace(found, given))
    with pytest.raises(ReconcileError) as failed:
        wrong.open(read_only=True)
    assert failed.value.reason == "JournalReadFailed"
    assert "hunter" not in str(failed.value)


def test_a_role_without_rights_is_told_so(running: postgres.Postgres, shelf: Shelf) -> None:
    """A person must let it in: trying again does not help."""
    running.ask("CREATE ROLE guest LOGIN PASSWORD 'hunter2'")
    guest = replace(shelf, place=str(shelf.place).replace("keeper:", "guest:"))
    with pytest.raises(Stalled, match="permission denied") as refused:
        guest.open()
    assert refused.value.reason == "JournalUnavailable"


@pytest.mark.parametrize(
    ("statement", "bad", "finding"),
    [
        ("UPDATE records SET body = overlay(body placing 'x' from 20) WHERE sequence = 3", 3, "hash"),
        ("UPDATE entries SET self_approved = true WHERE number = 2", 2, "column self_approved"),
        ("UPDATE entries SET subject = 'other' WHERE number = 4", 4, "column subject"),
        ("UPDATE touched SET applied = false WHERE entry = 2", 2, "the table touched"),
        ("UPDATE nodes SET hash = 'x' WHERE level = 2", 0, "the table nodes has another tree"),
        ("UPDATE served SET line = 2 WHERE since = 5", 5, "documents"),
        ("UPDATE head SET checkpoint = replace(checkpoint, E'\\n5\\n', E'\\n6\\n')", 0, "the checkpoint over"),
        ("CREATE RULE evil AS ON DELETE TO served DO INSTEAD NOTHING", 0, "triggers"),
        ("ALTER TABLE entries ADD COLUMN more text", 0, "tables"),
        ("DROP INDEX ix_served_live", 0, "indexes"),
        ("UPDATE alembic_version SET version_num = '7'", 0, "layout 7"),
        ("DROP TABLE nodes", 0, "cannot be read"),
    ],
)
def test_any_edit_is_found(running: postgres.Postgres, shelf: Shelf, statement: str, bad: int, finding: str) -> None:
    """As in a file: records, what stands beside them, the signature, and the tables themselves."""
    key = Signer.of(b"k" * 32)
    opened = shelf.open(signer=key)
    for number in (1, 2):
        apply(opened, number, [origin("api", str(number).encode()), origin("web")])
    assert opened.verify([key.public]).finding == ""
    running.ask(f"SET search_path TO {shelf.schema}; {statement}")
    found = opened.verify([key.public])
    assert finding in found.finding
    assert found.bad == bad
    opened.close()
