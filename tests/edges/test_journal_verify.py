"""A changed byte is found and located, whatever it is part of; nothing in a file makes verification crash."""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.audit import Journal
from reconciler.audit.proof.chain import encode
from reconciler.model.audit import AuditRecord, Verification
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import ReconcileError
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
        ("DELETE FROM records WHERE sequence = 13", 13, "not there"),
        ("UPDATE records SET time = '2020-01-01T00:00:00.000Z' WHERE sequence = 3", 3, "column time"),
        ("UPDATE records SET event = 'decision' WHERE sequence = 4", 4, "column event"),
        ("UPDATE records SET commit_sha = NULL WHERE sequence = 4", 4, "column commit_sha"),
        ("UPDATE records SET author = 'Eve <eve@example.com>' WHERE sequence = 6", 6, "column author"),
        ("UPDATE records SET intent = NULL WHERE sequence = 3", 3, "column intent"),
        ("UPDATE records SET body = CAST(body AS TEXT) WHERE sequence = 3", 3, "hash"),
        ("UPDATE records SET body = 1000000000000 WHERE sequence = 3", 3, "hash"),
        ("UPDATE touched SET name = 'web' WHERE sequence = 4", 4, "column touched"),
        ("DELETE FROM touched WHERE sequence = 8", 8, "column touched"),
        ("DELETE FROM records WHERE sequence = 1", 1, "missing"),
        ("INSERT INTO touched VALUES (99, 'Mapping', 'default', 'api')", 14, "not there"),
        ("UPDATE head SET hash = flipped(hash)", 0, "another end"),
        ("DELETE FROM head", 0, "another end"),
        ("DELETE FROM open_intents", 0, "intents"),
        ("INSERT INTO open_intents VALUES (2)", 0, "intents"),
        ("UPDATE served SET document = '{}' WHERE name = 'api'", 7, "cannot be read"),
        ("UPDATE served SET document = CAST('{}' AS BLOB) WHERE name = 'api'", 7, "documents"),
        ("UPDATE served SET touch_author = 'Eve' WHERE name = 'api'", 7, "documents"),
        ("UPDATE served SET line = 2 WHERE name = 'api'", 7, "documents"),
        ("DELETE FROM served WHERE name = 'api'", 7, "documents"),
        ("UPDATE served_head SET revision = 'main@sha1:00'", 7, "revision"),
        ("UPDATE served_head SET sequence = 5", 7, "revision"),
        ("DELETE FROM served_head", 7, "revision"),
        ("CREATE TRIGGER evil AFTER INSERT ON records BEGIN DELETE FROM served; END", 0, "triggers"),
        ("PRAGMA user_version = 7", 0, "layout 7"),
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
    offsets = [*range(100), *(dice.randrange(len(content)) for _ in range(900))]
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
    assert found_bad > 100


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


def test_a_journal_of_an_older_program_verifies_and_goes_on(older: Path) -> None:
    """Its records stay as they are; the next ones attach to them."""
    before = verify(older)
    assert (before.bad, before.finding) == (None, "")
    opened = journal(older)
    kept = opened.served().origins
    assert [origin.id.name for origin in kept] == ["api", "only-3", "other"]
    assert opened.verify() == before
    apply(opened, 8, [*kept, origin("new")])
    assert opened.verify().finding == ""
    assert [record.body["schema"] for record in opened.records()] == [1] * before.records + [2, 2]
    opened.close()
    edit(older, "PRAGMA user_version = 1")
    assert "layout 1" in verify(older).finding


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_edit_of_what_an_older_program_left_is_found(older: Path, goes_on: bool) -> None:
    """In what is served: by the digest of the record that says so, whichever schema it has."""
    if goes_on:
        opened = journal(older)
        apply(opened, 8, [origin("api"), origin("new")])
        opened.close()
    edit(older, "UPDATE served SET line = 7 WHERE name = 'api'")
    assert "are not the ones" in verify(older).finding


def test_no_record_of_an_old_schema_follows_a_newer_one(older: Path, copy: Path) -> None:
    """Nor one of a schema that isn't known."""
    for place, schema in ((older, 3), (copy, 1)):
        content = encode(read(place)[-1].body | {"schema": schema})
        edit(
            place,
            f"UPDATE records SET body = x'{content.hex()}', hash = '{digest_bytes(content)}' "  # noqa: S608
            "WHERE sequence = (SELECT max(sequence) FROM records)",
        )
        assert f"it has schema {schema}" in verify(place).finding
