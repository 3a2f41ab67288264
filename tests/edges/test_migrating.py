"""What bringing an older journal to a new layout takes: room on the disk, memory, and patience."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection

from reconciler.audit.store import bodies, migrations, rebuild, slow
from reconciler.model.audit import AuditRecord
from reconciler.model.errors import Transient
from tests.support.journals import journal

OLDER = Path(__file__).parents[1] / "support" / "journal-schema-1.sql"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A journal as a program wrote it whose records have the first schema."""
    place = tmp_path / "older.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(OLDER.read_text())
    return place


def test_a_migration_without_room_says_so_first(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs more than the size of the journal beside it: said before anything is written."""
    size = older.stat().st_size
    before = older.read_bytes()
    for free, fits in ((3 * size, False), (4 * size, True)):
        monkeypatch.setattr(migrations, "disk_usage", lambda _path, free=free: SimpleNamespace(free=free))
        if fits:
            journal(older).close()
        else:
            with pytest.raises(Transient, match="MB may be needed") as refused:
                journal(older)
            assert refused.value.reason == "JournalNeedsRoom"
            assert older.read_bytes()[4096:] == before[4096:]  # the first page says how it is written to


def test_a_migration_takes_large_records_a_few_at_a_time(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as many as there are: a record may have megabytes. How far it is, it says."""
    sizes: list[int] = []

    def batch(connection: Connection, after: int) -> list[AuditRecord]:
        found = bodies.batch_after(connection, after)
        sizes.append(len(found))
        return found

    said: list[str] = []
    monkeypatch.setattr(bodies, "_LARGEST", 3_000)
    monkeypatch.setattr(rebuild, "batch_after", batch)
    monkeypatch.setattr(slow, "_EVERY_S", 0.0)
    monkeypatch.setattr(slow, "_LOG", SimpleNamespace(warning=lambda words, *values: said.append(words % values)))
    opened = journal(older)
    assert opened.verify().bad is None
    opened.close()
    assert sum(sizes) == 13
    assert max(sizes) < 13
    assert said[-1] == "the journal is brought to a new layout: 13 of 13 records"
