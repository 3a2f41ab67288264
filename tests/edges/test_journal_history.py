"""What was served after any record can be told, whatever came later; what a change costs does not grow."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from reconciler.audit import Journal
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.audit.proof.note import opened as checkpoint_of
from reconciler.audit.proof.signing import Signer
from reconciler.audit.store import history
from reconciler.model.audit import Documents
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.question import EVERYTHING, Answers, Query
from reconciler.model.resource import Origin
from tests.support import postgres
from tests.support.journals import SNAPSHOT, Clock, Shelf, apply, attempt, conclusion, journal, origin

HISTORIES = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3)), min_size=1, max_size=14)


def _lived_through(opened: Journal, steps: list[dict[str, int]]) -> list[tuple[int, tuple[Origin, ...]]]:
    """Serves one after the other; returns what was served after each entry."""
    told = []
    for number, lines in enumerate(steps, start=1):
        documents = [origin(name, str(line).encode()) for name, line in sorted(lines.items())]
        told.append((apply(opened, number, documents)[0], tuple(documents)))
    return told


@settings(max_examples=25, deadline=None)
@given(HISTORIES)
def test_every_moment_is_told_as_it_was(steps: list[dict[str, int]]) -> None:
    """Through eras of few rows each: at every entry what was served then, proven by its record; and all verifies."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_SHORTEST", 2)
        opened = journal(Path(directory, "journal.db"))
        told = _lived_through(opened, steps)
        for number, documents in told:
            found = opened.at(number)
            assert (found.origins, found.proven) == (documents, True)
        assert opened.served().origins == told[-1][1]
        assert opened.verify().finding == ""
        opened.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_era_turns_and_goes_on_after_a_restart(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted anew from the tables: eras turn as without the restart."""
    monkeypatch.setattr(history, "_SHORTEST", 3)
    running = postgres.server() if kind == "postgresql" else None
    shelf = Shelf(running.url, running.schema()) if running else Shelf(tmp_path / "journal.db")
    for step in range(5):
        opened = shelf.open()
        apply(opened, step, [origin("a", str(step).encode()), origin("b", str(-step).encode()), origin("stays")])
        apply(opened, step + 100, [origin("a"), origin("b"), origin("stays")])
        assert opened.verify().finding == ""
        opened.close()
    opened = shelf.open(read_only=True)
    with opened._place.reader.connect() as connection:
        eras = connection.exec_driver_sql("SELECT DISTINCT era FROM served ORDER BY era").scalars().all()
        came = connection.exec_driver_sql("SELECT DISTINCT came FROM served WHERE name = 'stays'").scalars().all()
    assert eras == [1, 2, 3, 4, 5]
    assert came == [3]
    opened.close()


def _never() -> list[Origin]:
    raise AssertionError


def test_one_change_among_many_writes_what_it_changes(tmp_path: Path) -> None:
    """As many statements with 2,000 documents as with two, and none that goes through all of them."""
    opened = journal(tmp_path / "journal.db")
    counts = []
    for many in (2, 2_000):
        tokens = object(), object()
        tried = attempt(many)
        documents = [origin(f"m{n}") for n in range(many)]
        opened.conclude(opened.intend(tried), conclusion(tried), Documents(documents.copy, tokens[0]), SNAPSHOT)
        changed = {origin("m1").id: origin("m1", b"[1]")}
        seen: list[str] = []

        def see(_c: object, _cursor: object, statement: str, values: object, _x: object, many: bool) -> None:
            seen.append(f"{statement} {len(values) if many and isinstance(values, list) else 1}")  # noqa: B023

        event.listen(opened._place.writer, "before_cursor_execute", see)
        made = Documents(_never, tokens[1], tokens[0], changed)
        opened.conclude(opened.intend(tried), conclusion(tried), made, SNAPSHOT)
        event.remove(opened._place.writer, "before_cursor_execute", see)
        # How many nodes of the tree a record completes depends on its number.
        counts.append([one for one in seen if "nodes" not in one])
    assert counts[0] == counts[1]
    assert len(counts[0]) < 40
    assert opened.verify().finding == ""
    opened.close()


def test_a_note_is_a_record_like_others(tmp_path: Path) -> None:
    """It is an entry of its own, found by what it tells, without secrets, and signed with all before it."""
    key = Signer.of(b"k" * 32)
    opened = Journal.open(tmp_path / "journal.db", Clock(), signer=key, origin="routes.example.com/journal")
    note = Note(Happening.EXPORT, "to https://ann:hunter2@h/x", Actor("ann", "kubectl"), {"records": 3})
    apply(opened, 1)
    number = opened.note(note)
    (entry,) = opened.entries(Query(happened=frozenset({Happening.EXPORT})))
    assert (entry.sequence, entry.actor, entry.message) == (number, "ann", "to https://[redacted]@h/x")
    standing = opened.standing()
    assert (standing.records, standing.pruned, standing.key) == (number, 0, str(key.public))
    frontier = Frontier()
    for record in opened.records():
        frontier, _ = frontier.append(leaf(record.hash))
    signed = checkpoint_of(standing.checkpoint, [key.public])
    assert (signed.origin, signed.size, signed.root) == ("routes.example.com/journal", number, frontier.root())
    assert opened.verify([key.public]).finding == ""
    assert "none of the keys" in opened.verify([Signer.of(b"x" * 32).public]).finding
    assert [record.sequence for record in opened.records(after=number - 1)] == [number]
    opened.close()


def test_the_journal_answers(tmp_path: Path) -> None:
    """Pages and API get it as what answers."""
    opened = journal(tmp_path / "journal.db")
    answers: Answers = opened
    assert answers.entries(EVERYTHING) == []
    opened.close()
