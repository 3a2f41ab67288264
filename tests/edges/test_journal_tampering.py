"""Who may write the database is found out by chain, tree and signature; who has the key, too, from outside alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, delete, select, update

from reconciler.audit import Journal
from reconciler.audit.anchor import Anchoring, InFile
from reconciler.audit.proof import merkle, note
from reconciler.audit.proof.chain import encode, parse
from reconciler.audit.proof.signing import Signer
from reconciler.audit.store import database
from reconciler.audit.store.schema import checkpoints, head, nodes, records
from reconciler.model.audit import Verification
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening, Note
from reconciler.model.health import AnchorHealth
from tests.support import postgres
from tests.support.exports import ORIGIN, OTHER, SIGNER
from tests.support.journals import Clock, Shelf, apply, attempt, origin

RECORDS = 8
EVERY = pytest.mark.parametrize("number", range(1, RECORDS + 1))
SOME = pytest.mark.parametrize("number", [1, 4, RECORDS])
Forgery = Callable[[Connection, int], None]


def filled(shelf: Shelf) -> None:
    """A closed, signed journal of eight records."""
    journal = shelf.open(signer=SIGNER, origin=ORIGIN)
    for number in (1, 2, 3):
        apply(journal, number, [origin("api", f'{{"n":{number}}}'.encode())])
    journal.intend(attempt(4))
    journal.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of it are forged."""
    place = tmp_path_factory.mktemp("journal") / "journal.db"
    filled(Shelf(place))
    return place


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Shelf:
    """One of them."""
    return Shelf(shutil.copy(original, tmp_path))


def forged(shelf: Shelf, forgery: Forgery, number: int) -> Verification:
    """What verification says after a forgery of this record."""
    opened = database.connect(shelf.place, read_only=False, schema=shelf.schema)
    with opened.writer.begin() as connection:
        forgery(connection, number)
    opened.close()
    return verified(shelf)


def verified(shelf: Shelf) -> Verification:
    """With the right key."""
    journal = shelf.open(read_only=True)
    try:
        return journal.verify([SIGNER.public])
    finally:
        journal.close()


def content(connection: Connection, number: int) -> None:
    """Another content, beside its old hash."""
    connection.execute(update(records).where(records.c.sequence == number).values(body=changed(connection, number)))


def content_and_hash(connection: Connection, number: int) -> None:
    """Another content, and the hash of that."""
    body = changed(connection, number)
    connection.execute(update(records).where(records.c.sequence == number).values(body=body, hash=digest_bytes(body)))


def chain(connection: Connection, number: int) -> None:
    """The same, and all records after it attach to it again, up to the head."""
    content_and_hash(connection, number)
    previous = hash_of(connection, number)
    for row in connection.execute(
        select(records).where(records.c.sequence > number).order_by(records.c.sequence)
    ).all():
        body = encode({**(parse(bytes(row.body)) or {}), "previous": previous})
        previous = digest_bytes(body)
        here = records.c.sequence == row.sequence
        connection.execute(update(records).where(here).values(body=body, hash=previous))
    connection.execute(update(head).values(hash=previous))


def tree(connection: Connection, number: int) -> None:
    """The same, with a tree that goes with it."""
    chain(connection, number)
    grow(connection)


def grow(connection: Connection) -> None:
    """The tree over what is there."""
    frontier = merkle.Frontier()
    connection.execute(delete(nodes))
    size = connection.execute(select(head.c.sequence)).scalar_one()
    hashes = select(records.c.hash).where(records.c.sequence <= size).order_by(records.c.sequence)
    for each in connection.execute(hashes).scalars().all():
        frontier, completed = frontier.append(merkle.leaf(Digest(each)))
        for one in completed:
            connection.execute(nodes.insert(), {"level": one.level, "position": one.position, "hash": one.hash})
    connection.execute(update(head).values(frontier=frontier.encode()))


def another_key(connection: Connection, number: int) -> None:
    """The same, signed by a key that the forger made."""
    signature(connection, number, OTHER)


def the_key(connection: Connection, number: int) -> None:
    """The same, signed by the journal's own key, which the forger has; so is what the journal kept of older ones."""
    signature(connection, number, SIGNER)
    frontier = merkle.Frontier()
    for size, each in enumerate(connection.execute(select(records.c.hash).order_by(records.c.sequence)).scalars(), 1):
        frontier, _ = frontier.append(merkle.leaf(Digest(each)))
        text = note.signed(note.Checkpoint(ORIGIN, size, frontier.root()), SIGNER)
        connection.execute(update(checkpoints).where(checkpoints.c.size == size).values(text=text))


def signature(connection: Connection, number: int, signer: Signer) -> None:
    """The same, with a checkpoint over it."""
    tree(connection, number)
    signature_over(connection, signer)


def signature_over(connection: Connection, signer: Signer = SIGNER) -> None:
    """A checkpoint over what is there."""
    grow(connection)
    frontier = merkle.Frontier.decode(connection.execute(select(head.c.frontier)).scalar_one())
    text = note.signed(note.Checkpoint(ORIGIN, frontier.size, frontier.root()), signer)
    connection.execute(update(head).values(checkpoint=text))


def changed(connection: Connection, number: int) -> bytes:
    """The content of a record with a fact more, which no table repeats."""
    body = connection.execute(select(records.c.body).where(records.c.sequence == number)).scalar_one()
    return encode({**(parse(bytes(body or b"")) or {}), "forged": True})


def hash_of(connection: Connection, number: int) -> str:
    """The hash of a record."""
    return str(connection.execute(select(records.c.hash).where(records.c.sequence == number)).scalar_one())


def test_the_original_verifies(copy: Shelf) -> None:
    """With its key; with another one its signature does not count."""
    assert (verified(copy).bad, verified(copy).finding, verified(copy).records) == (None, "", RECORDS)
    journal = copy.open(read_only=True)
    assert "none of the keys" in journal.verify([OTHER.public]).finding
    journal.close()


@EVERY
def test_an_edit_without_the_hash_names_the_record(copy: Shelf, number: int) -> None:
    """The simplest one."""
    assert forged(copy, content, number).bad == number


@EVERY
def test_an_edit_with_the_hash_breaks_the_chain_there(copy: Shelf, number: int) -> None:
    """The next record does not attach; for the last one the head says so."""
    found = forged(copy, content_and_hash, number)
    assert found.finding
    assert found.bad in ({number, number + 1} if number < RECORDS else {number, 0})


@SOME
@pytest.mark.parametrize("forgery", [chain, tree])
def test_a_chain_that_was_made_anew_is_found_without_any_place(copy: Shelf, forgery: Forgery, number: int) -> None:
    """By the tree, and by the checkpoint that was signed over another one."""
    found = forged(copy, forgery, number)
    assert found.finding
    assert "checkpoint" in found.finding or forgery is chain


@SOME
def test_all_made_anew_with_another_key_is_found_by_the_signature(copy: Shelf, number: int) -> None:
    """However consistent the rest is."""
    assert "none of the keys given signed it" in forged(copy, another_key, number).finding


@pytest.mark.parametrize(
    ("edited", "finding"),
    [
        (["DELETE FROM anchors", "DELETE FROM checkpoints"], "lacks what a record tells"),
        (["UPDATE anchors SET place = 'elsewhere'"], "lacks what a record tells"),
        (["INSERT INTO anchors SELECT 'elsewhere', size, time FROM anchors"], "says what no record tells"),
        (["UPDATE anchors SET time = '2020-01-01T00:00:00.000Z'"], "lacks what a record tells"),
        (["INSERT INTO checkpoints SELECT size + 1, time, text FROM checkpoints"], "of other sizes"),
        (["UPDATE checkpoints SET time = '2020-01-01T00:00:00.000Z'"], "of other sizes or times"),
    ],
)
def test_what_was_left_outside_is_what_the_notes_tell(
    copy: Shelf, tmp_path: Path, edited: list[str], finding: str
) -> None:
    """Who writes the database can neither hide that something was left, nor claim it."""
    anchored(copy, InFile(tmp_path / "anchors", ORIGIN), [])
    assert not verified(copy).finding

    def forgery(connection: Connection, _number: int) -> None:
        for each in edited:
            connection.execute(sqlalchemy.text(each))

    assert finding in forged(copy, forgery, 0).finding


@SOME
def test_all_made_anew_with_the_key_is_found_from_outside_alone(copy: Shelf, tmp_path: Path, number: int) -> None:
    """The journal verifies; the checkpoint that was left outside before does not go with it."""
    place = InFile(tmp_path / "anchors", ORIGIN)
    anchored(copy, place, [])
    assert not verified(copy).finding
    found = forged(copy, the_key, number)
    assert not found.finding
    told: list[AnchorHealth] = []
    anchored(copy, place, told)
    assert "were written anew" in told[0].differs


def test_an_older_copy_is_found_from_outside_alone(original: Path, copy: Shelf, tmp_path: Path) -> None:
    """A backup that was put back is sound in itself, and shorter than what stands outside."""
    place = InFile(tmp_path / "anchors", ORIGIN)
    journal = copy.open(signer=SIGNER, origin=ORIGIN)
    journal.interrupt(8)
    journal.close()
    anchored(copy, place, [])
    shutil.copy(original, Path(copy.place))
    assert not verified(copy).finding
    told: list[AnchorHealth] = []
    anchored(copy, place, told)
    assert "its end was cut off" in told[0].differs


def anchored(shelf: Shelf, place: InFile, told: list[AnchorHealth]) -> None:
    """Leaves a checkpoint, as a controller does."""
    journal: Journal = shelf.open(signer=SIGNER, origin=ORIGIN)
    Anchoring(journal.proofs(), [place], 3600, Clock(), told.append).once()
    journal.close()


@pytest.mark.parametrize("forgery", [content, content_and_hash, chain, tree, another_key])
def test_the_same_holds_in_postgresql(forgery: Forgery) -> None:
    """Each forgery of one record is found there, too."""
    running = postgres.server()
    shelf = Shelf(running.url, running.schema())
    filled(shelf)
    assert not verified(shelf).finding
    assert forged(shelf, forgery, 3).finding


@pytest.mark.parametrize("forgery", [chain, tree, another_key])
def test_what_was_made_anew_is_not_signed_by_the_next_append(copy: Shelf, forgery: Forgery) -> None:
    """The controller that comes next refuses, and what it would have covered up stays found."""
    assert forged(copy, forgery, 3).finding
    refused(copy)


def test_nor_in_postgresql() -> None:
    """The same there."""
    running = postgres.server()
    shelf = Shelf(running.url, running.schema())
    filled(shelf)
    assert forged(shelf, tree, 3).finding
    refused(shelf)


def refused(shelf: Shelf) -> None:
    """Nothing is appended, and verification finds what it found."""
    before = verified(shelf)
    for _ in range(2):
        with pytest.raises(Stalled, match=r"written anew|another one did|nothing signs"):
            append_one(shelf)
    assert (verified(shelf).finding, verified(shelf).records) == (before.finding, before.records)


def append_one(shelf: Shelf) -> None:
    """As the next controller does."""
    journal = shelf.open(signer=SIGNER, origin=ORIGIN)
    try:
        journal.interrupt(8)
    finally:
        journal.close()


def test_a_signature_that_was_taken_away_is_not_made_anew(copy: Shelf) -> None:
    """Else whoever forged the rest would leave it out."""
    forged(copy, unsigned, 0)
    refused(copy)


def unsigned(connection: Connection, _number: int) -> None:
    """Nothing signs it."""
    connection.execute(update(head).values(checkpoint=""))


@pytest.mark.parametrize("server", [False, True])
def test_what_is_made_anew_under_a_running_controller_is_not_signed(copy: Shelf, *, server: bool) -> None:
    """Even with the key: it remembers how it left the journal, and another process of ours only continues that."""
    if server:
        running = postgres.server()
        copy = Shelf(running.url, running.schema())
        filled(copy)
    journal = copy.open(signer=SIGNER, origin=ORIGIN)
    journal.interrupt(8)
    append_note(copy)
    journal.intend(attempt(5))
    forged(copy, the_key, 4)
    with pytest.raises(Stalled, match="a moment ago"):
        journal.intend(attempt(6))
    forged(copy, without_the_last, 11)
    with pytest.raises(Stalled, match="had 11 records a moment ago, and now it has 10"):
        journal.intend(attempt(6))
    journal.close()


def append_note(shelf: Shelf) -> None:
    """As a verb does beside the controller."""
    journal = shelf.open(signer=SIGNER, origin=ORIGIN)
    journal.note(Note(Happening.EXPORT, "given out"))
    journal.close()


def without_the_last(connection: Connection, number: int) -> None:
    """Cut off: a head as it was one record before, with a signature over that."""
    connection.execute(update(head).values(sequence=number - 1, hash=hash_of(connection, number - 1)))
    signature_over(connection)


def test_a_write_that_failed_is_not_remembered(copy: Shelf) -> None:
    """What was not written is not missed."""
    journal = copy.open(signer=SIGNER, origin=ORIGIN)
    journal.interrupt(8)
    with pytest.raises(Stalled, match="not an open intent"):
        journal.interrupt(8)
    assert journal.note(Note(Happening.EXPORT, "given out")) == 10
    journal.close()
    assert not verified(copy).finding
