"""The journal that the benchmark makes in bulk is one the product could have written."""

from pathlib import Path

from reconciler.model.happening import Happening
from reconciler.model.question import Query
from tests.bench.journal import questions
from tests.bench.journal_stores import Store, copy, fill
from tests.support import postgres
from tests.support.journals import Clock


def test_it_verifies_and_answers_in_both_databases(tmp_path: Path) -> None:
    """Chain, tree, all that stands beside the records, and every version that was served; and it goes on from there."""
    running = postgres.server()
    made = Store("SQLite", tmp_path / "journal.db")
    copied = Store("PostgreSQL", running.url, running.schema())
    world = fill(made, 700, 100)
    copy(made, copied)
    told = []
    for store in (made, copied):
        journal = store.open(Clock())
        if store is made:  # the first record of the copy tells of another database's tables
            found = journal.verify()
            assert (found.records, found.bad, found.finding) == (world.sequence, None, "")
        assert journal.entries(Query(happened=frozenset({Happening.REJECT})))
        told.append([repr(ask(journal)) for name, ask in questions().items() if name != "how the journal is"])
        journal.close()
    assert told[0] == told[1]
