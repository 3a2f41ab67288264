"""A changed byte is found and located, whatever it is part of; nothing in a file makes verification crash."""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from reconciler.audit import Journal
from reconciler.audit.proof.chain import encode
from reconciler.audit.store import database
from reconciler.model.audit import AuditRecord, Event, Verification
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import ReconcileError, Stalled
from tests.support.journals import Clock, apply, filled, journal, origin

OLDER = Path(__file__).parents[1] / "support" / "journal-schema-1.sql"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed journal with every kind of record; tests work on copies."""
    place = tmp_path_factory.mktemp("journal") / "journal.db"
    filled(place)
    return place


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copy(original, tmp_path))


def verify(place: Path) -> Verification:
    """Opens for reading and verifies."""
    reader = Journal.open(place, Clock(), read_only=True)
    try:
        return reader.verify()
    finally:
        reader.close()


def read(place: Path) -> list[AuditRecord]:
    """All records."""
    reader = Journal.open(place, Clock(), read_only=True)
    try:
        return list(reader.records())
    finally:
        reader.close()


def edit(place: Path, *statements: str) -> None:
    """Edits the database as an intruder with a SQLite shell would: constraints off."""
    connection = sqlite3.connect(place)
    connection.create_function("flipped", 1, _flipped)
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _flipped(value: bytes | str) -> bytes | str:
    middle = len(value) // 2
    if isinstance(value, str):
        return value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]
    return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]


def test_the_original_verifies(original: Path) -> None:
    """An untouched journal is fine, and its head is the last record's hash."""
    found = verify(original)
    assert (found.bad, found.finding) == (None, "")
    assert found.records == 13
    assert found.head == read(original)[-1].hash


@pytest.mark.parametrize("column", ["body", "hash"])
@pytest.mark.parametrize("sequence", range(1, 14))
def test_a_flipped_byte_of_a_record_names_it(copy: Path, column: str, sequence: int) -> None:
    """One bit of any body or hash: that record is named."""
    edit(copy, f"UPDATE records SET {column} = flipped({column}) WHERE sequence = {sequence}")  # noqa: S608 - our own
    found = verify(copy)
    assert (found.bad, found.records) == (sequence, sequence - 1)
    assert "hash" in found.finding
    assert found.head is None


@pytest.mark.parametrize("sequence", range(1, 14))
def test_a_renumbered_record_leaves_a_gap(copy: Path, sequence: int) -> None:
    """A changed sequence number is found where it is missing."""
    edit(copy, f"UPDATE records SET sequence = sequence | 64 WHERE sequence = {sequence}")  # noqa: S608 - our own
    found = verify(copy)
    assert found.bad == sequence
    assert found.finding


@pytest.mark.parametrize("sequence", range(1, 14))
def test_a_flipped_byte_in_the_file_names_the_record(original: Path, copy: Path, sequence: int) -> None:
    """One bit of a body in the file itself, behind the database's back."""
    content = bytearray(copy.read_bytes())
    record = read(original)[sequence - 1]
    marker = f'"previous":"{record.body["previous"]}"'.encode()
    assert content.count(marker) == 1
    content[content.index(marker) + 20] ^= 1
    copy.write_bytes(content)
    assert verify(copy).bad == sequence


@pytest.mark.parametrize(
    ("statement", "bad", "finding"),
    [
        ("DELETE FROM records WHERE sequence = 5", 5, "missing"),
        ("DELETE FROM records WHERE sequence = 13", 0, "another end"),
        ("UPDATE records SET time = '2020-01-01T00:00:00.000Z' WHERE sequence = 3", 3, "column time"),
        ("UPDATE records SET event = 'decision' WHERE sequence = 4", 4, "column event"),
        ("UPDATE records SET entry = 2 WHERE sequence = 5", 5, "column entry"),
        ("UPDATE records SET intent = NULL WHERE sequence = 3", 3, "column intent"),
        ("UPDATE records SET body = CAST(body AS TEXT) WHERE sequence = 3", 3, "hash"),
        ("UPDATE records SET body = 1000000000000 WHERE sequence = 3", 3, "hash"),
        ("UPDATE records SET body = NULL WHERE sequence = 8", 8, "no record tells that it was deleted"),
        ("DELETE FROM records WHERE sequence = 1", 1, "missing"),
        ("UPDATE entries SET commit_sha = NULL WHERE number = 4", 4, "column commit_sha of the table entries"),
        ("UPDATE entries SET message = 'never mind' WHERE number = 8", 8, "column message"),
        ("UPDATE entries SET self_approved = 1 WHERE number = 8", 8, "column self_approved"),
        ("UPDATE entries SET approved = 'yes' WHERE number = 9", 9, "column approved"),
        ("UPDATE entries SET creates = 9.5 WHERE number = 4", 4, "column creates"),
        ("UPDATE entries SET time_ms = 0 WHERE number = 13", 13, "column time_ms"),
        ("DELETE FROM entries WHERE number = 11", 11, "the table entries lacks it"),
        (
            (
                'INSERT INTO entries SELECT 1, last, time, time_ms, finished, "trigger", decision, interrupted, '
                "reason, message, subject, commit_sha, author_id, committer, pull_request, approved, self_approved, "
                "signed, acknowledged, changes_served, creates, updates, deletes, quarantined, lead_ms, actor, "
                "commits_omitted FROM entries WHERE number = 2"
            ),
            0,
            "the table entries has 8 rows",
        ),
        ("UPDATE people SET text = 'Eve <eve@example.com>'", 2, "column author"),
        ("DELETE FROM entry_people WHERE entry = 4", 4, "the table entry_people"),
        ("INSERT INTO entry_people VALUES (1, 99)", 0, "the table entry_people has"),
        ("INSERT INTO people VALUES (9, 'Eve <eve@example.com>')", 0, "whom no entry names"),
        ("UPDATE touched SET name = 'web' WHERE entry = 4", 4, "the table touched"),
        ("UPDATE touched SET applied = 1 WHERE entry = 8", 8, "the table touched"),
        ("DELETE FROM touched WHERE entry = 8", 8, "the table touched"),
        ("INSERT INTO touched VALUES (99, 'Mapping', 'default', 'api', 'create', 1)", 0, "the table touched has"),
        ("DELETE FROM happenings WHERE entry = 9", 9, "the table happenings"),
        ("UPDATE happenings SET happening = 'apply' WHERE happening = 'reject'", 8, "the table happenings"),
        ("UPDATE entry_commits SET commit_sha = '00' || commit_sha WHERE entry = 6", 6, "the table entry_commits"),
        ("UPDATE nodes SET hash = flipped(hash) WHERE level = 2 AND position = 1", 0, "tree over records 5 to 8"),
        ("DELETE FROM nodes WHERE level = 1 AND position = 5", 0, "tree over records 11 to 12"),
        ("INSERT INTO nodes VALUES (9, 0, x'00')", 0, "the table nodes has"),
        ("UPDATE head SET hash = flipped(hash)", 0, "another end"),
        ("UPDATE head SET frontier = flipped(frontier)", 0, "another end"),
        ("DELETE FROM head", 0, "another end"),
        ("DELETE FROM open_intents", 0, "intents"),
        ("INSERT INTO open_intents VALUES (2)", 0, "intents"),
        ("UPDATE documents SET body = 'x'", 0, "not the one with this digest"),
        ("UPDATE documents SET body = CAST('x' AS BLOB)", 0, "not the one with this digest"),
        ("DELETE FROM documents", 0, "a document that is not there"),
        ("UPDATE served SET touch_author = 'Eve' WHERE name = 'api'", 3, "documents"),
        ("UPDATE served SET touch_author = 'Eve' WHERE name = 'api' AND until IS NULL", 7, "documents"),
        ("UPDATE served SET line = 2 WHERE name = 'api' AND since = 5", 5, "documents"),
        ("UPDATE served SET came = 5 WHERE name = 'other'", 3, "can't be"),
        ("UPDATE served SET came = 3 WHERE name = 'api'", 5, "came with record 3"),
        ("UPDATE served SET until = 6 WHERE until = 7", 0, "until 6, which is no result"),
        ("UPDATE served SET until = 7 WHERE name = 'only-1'", 5, "documents"),
        ("UPDATE served SET kind = 'Nonsense' WHERE name = 'api'", 3, "damaged row"),
        ("DELETE FROM served WHERE name = 'api'", 3, "documents"),
        ("UPDATE served SET era = 7 WHERE until IS NULL", 3, "documents"),
        ("UPDATE served_states SET revision = 'main@sha1:00' WHERE sequence = 7", 7, "column revision"),
        ("UPDATE served_states SET documents = flipped(documents) WHERE sequence = 5", 5, "column documents"),
        ("UPDATE served_states SET era = NULL WHERE sequence = 5", 5, "era"),
        ("DELETE FROM served_states WHERE sequence = 7", 7, "the table served_states lacks it"),
        ("INSERT INTO holds VALUES (8, NULL, NULL, 'mine', NULL)", 8, "the table holds"),
        ("CREATE TRIGGER evil AFTER INSERT ON records BEGIN DELETE FROM served; END", 0, "triggers"),
        ("PRAGMA user_version = 7", 0, "layout 7"),
        ("PRAGMA user_version = 1", 0, "layout 1"),
        ("DROP TABLE served", 0, "tables"),
        ("DROP TABLE records", 1, "cannot be read"),
    ],
)
def test_any_edit_is_found(copy: Path, statement: str, bad: int, finding: str) -> None:
    """What stands beside the records is held against them: columns, head, open intents, what is served, the layout."""
    edit(copy, statement)
    found = verify(copy)
    assert finding in found.finding
    assert found.bad == bad


def test_a_record_that_is_rewritten_with_its_hash_breaks_the_next(copy: Path) -> None:
    """An edit with the hash recomputed is found one record later: it no longer attaches."""
    connection = sqlite3.connect(copy)
    (body,) = connection.execute("SELECT body FROM records WHERE sequence = 4").fetchone()
    body = body.replace(b"Change 2", b"Change X")
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    connection.execute("UPDATE records SET body = ?, hash = ? WHERE sequence = 4", (body, digest))
    connection.commit()
    connection.close()
    found = verify(copy)
    assert found.bad == 5
    assert "does not attach" in found.finding


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:100] * 50,
        lambda content: b"not a database at all" + content,
        lambda content: content[: len(content) // 2],
        lambda content: content[:100],
        lambda content: content[:16] + bytes(len(content) - 16),
        lambda content: bytes(reversed(content)),
    ],
)
def test_a_file_that_is_no_journal_any_more(copy: Path, damage: Callable[[bytes], bytes]) -> None:
    """However broken, the outcome is a finding."""
    copy.write_bytes(damage(copy.read_bytes()))
    found = verify(copy)
    assert found.bad is not None
    assert found.finding


def test_an_empty_file_is_a_missing_journal(copy: Path) -> None:
    """What a process leaves that died before it made the tables is not called damage."""
    copy.write_bytes(b"")
    with pytest.raises(ReconcileError) as missing:
        verify(copy)
    assert missing.value.reason == "JournalMissing"


def test_random_bytes_never_fool_or_crash_it(original: Path, copy: Path) -> None:
    """Any one byte of the file changed: never an exception, and "fine" only if every record reads back as it was.

    The header, the table b-trees and free space are all hit; a fixed seed makes a failure repeatable.
    """
    content, expected = original.read_bytes(), read(original)
    dice = random.Random(20260506)
    offsets = [*range(100), *(dice.randrange(len(content)) for _ in range(120))]
    found_bad = 0
    for offset in offsets:
        damaged = bytearray(content)
        damaged[offset] ^= 1 << dice.randrange(8)
        copy.write_bytes(damaged)
        found = verify(copy)
        if found.bad is None:
            assert (found.records, found.head) == (len(expected), expected[-1].hash)
            assert read(copy) == expected, f"offset {offset}"
        else:
            assert found.finding
            found_bad += 1
    assert found_bad > 50


def test_reading_a_damaged_journal_fails_in_words(copy: Path) -> None:
    """The reading verbs raise our own error with what to do, not the database's."""
    edit(copy, "UPDATE records SET body = flipped(body)", "UPDATE served SET kind = 'Nonsense'")
    reader = Journal.open(copy, Clock(), read_only=True)
    for broken in (lambda: list(reader.records()), reader.served):
        with pytest.raises(ReconcileError) as failed:
            broken()
        assert failed.value.reason == "JournalDamaged"
        assert "audit verify" in failed.value.hint
    reader.close()


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The same history as a program wrote it whose records have the first schema."""
    place = tmp_path / "older.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(OLDER.read_text())
    return place


def migrated(place: Path) -> Path:
    """The journal, brought to this layout."""
    journal(place).close()
    return place


def test_a_journal_of_an_older_program_is_migrated_and_goes_on(older: Path) -> None:
    """Its records stay as they are; the next ones attach to them, the first of which tells of it."""
    with closing(sqlite3.connect(older)) as connection:
        before = connection.execute("SELECT sequence, hash, body FROM records").fetchall()
    opened = journal(older)
    kept = opened.served().origins
    assert [origin.id.name for origin in kept] == ["api", "only-3", "other"]
    assert opened.verify().finding == ""
    told = list(opened.records())
    assert [(one.sequence, one.hash, encode(one.body)) for one in told[:-1]] == before
    assert (told[-1].event, told[-1].body["happened"]) == (Event.NOTE, ["migrated"])
    assert (told[-1].body["from_layout"], told[-1].body["to_layout"]) == (1, 3)
    apply(opened, 8, [*kept, origin("new")])
    assert opened.verify().finding == ""
    assert [record.body["schema"] for record in opened.records()] == [1] * 13 + [3, 3, 3]
    entries = opened.entries()
    assert [entry.sequence for entry in entries] == [15, 14, 13, 11, 9, 8, 6, 4, 2]
    assert [change.entry.sequence for change in opened.history("default/api")][-1] == 2
    opened.close()


def test_an_older_journal_is_not_read_before_it_is_migrated(older: Path) -> None:
    """The reading verbs say what to do; nothing is changed by them."""
    before = older.read_bytes()
    with pytest.raises(Stalled, match="layout 1") as refused:
        verify(older)
    assert refused.value.reason == "JournalTooOld"
    assert older.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is one transaction: after a failure right before its end the old journal is as it was."""

    def fail(_connection: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(database, "mark_version", fail)
        with pytest.raises(OSError):  # noqa: PT011 - it is ours
            journal(older)
    with closing(sqlite3.connect(older)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {"records", "touched", "head", "open_intents", "served", "served_head"}
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert verify(migrated(older)).finding == ""


def test_a_migrated_journal_has_the_tables_of_a_new_one(older: Path, copy: Path) -> None:
    """The same columns, indexes and references, by the database's own word."""

    def shape(place: Path) -> dict[str, object]:
        engine = create_engine(f"sqlite:///{place}")
        looked = inspect(engine)
        found: dict[str, object] = {
            name: (
                [(one["name"], str(one["type"]), one["nullable"]) for one in looked.get_columns(name)],
                looked.get_pk_constraint(name)["constrained_columns"],
                sorted((str(one["name"]), one["column_names"], one["unique"]) for one in looked.get_indexes(name)),
                sorted((one["constrained_columns"], one["referred_table"]) for one in looked.get_foreign_keys(name)),
                sorted(one["column_names"] for one in looked.get_unique_constraints(name)),
            )
            for name in looked.get_table_names()
        }
        engine.dispose()
        return found

    assert shape(migrated(older)) == shape(copy)


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_edit_of_what_an_older_program_left_is_found(older: Path, goes_on: bool) -> None:
    """In what is served: by the digest of the record that says so, whichever schema it has."""
    opened = journal(older)
    if goes_on:
        apply(opened, 8, [origin("api"), origin("new")])
    opened.close()
    edit(older, "UPDATE served SET line = 7 WHERE name = 'api'")
    assert "are not the ones" in verify(older).finding


def test_no_record_of_an_old_schema_follows_a_newer_one(older: Path, copy: Path) -> None:
    """Nor one of a schema that isn't known."""
    for place, schema in ((migrated(older), 4), (copy, 1)):
        content = encode(read(place)[-1].body | {"schema": schema})
        edit(
            place,
            f"UPDATE records SET body = x'{content.hex()}', hash = '{digest_bytes(content)}' "  # noqa: S608
            "WHERE sequence = (SELECT max(sequence) FROM records)",
        )
        assert f"it has schema {schema}" in verify(place).finding
