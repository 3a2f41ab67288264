"""An export that is taken slowly holds nothing up, and is of the records that there were when it began."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.audit import Journal
from reconciler.audit.proof import offline
from reconciler.audit.store.proving import Range
from reconciler.model.errors import Transient
from reconciler.model.happening import Actor
from reconciler.model.question import Query
from tests.support import postgres
from tests.support.exports import ORIGIN, SIGNER
from tests.support.journals import Shelf, apply, origin

ANN = Actor("ann", "command line on desk")


@pytest.fixture(params=["sqlite", "postgresql"])
def signed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """A journal of some batches."""
    monkeypatch.setattr("reconciler.audit.store.proving._AFTER", _few())
    running = postgres.server() if request.param == "postgresql" else None
    shelf = Shelf(running.url, running.schema()) if running else Shelf(tmp_path / "journal.db")
    into = shelf.open(signer=SIGNER, origin=ORIGIN)
    for number in range(1, 7):
        apply(into, number, [origin("api", f'{{"n":{number}}}'.encode())])
    yield into
    into.close()


def _few() -> object:
    from reconciler.audit.store import proving  # noqa: PLC0415 - as it is before it is changed

    return proving._AFTER.limit(3)


def test_between_two_lines_no_transaction_is_open(signed: Journal) -> None:
    """Nobody waits, no server ends it, and what is appended meanwhile is not in it."""
    size, written = signed.verify().records, []
    for line in signed.proofs().export(Range()):
        written.append(line)
        assert signed._place.reader.pool.checkedout() == 0  # type: ignore[attr-defined]
        if len(written) < 4:
            apply(signed, 10 + len(written), [origin("web", f"{len(written)}".encode())])
    found = offline.check(iter(written), [SIGNER.public])
    assert (found.finding, len(written)) == ("", size + 2)


def test_what_retention_deletes_meanwhile_is_told(signed: Journal) -> None:
    """No reader of the file could tell it from tampering: the note is not in it."""
    export = signed.proofs().export(Range())
    written = [next(export), next(export)]
    assert signed.retention().step(signed.entries(Query(limit=1))[0].time, ANN).records
    with pytest.raises(Transient, match="deleted contents of records"):
        written.extend(export)
    again = list(signed.proofs().export(Range()))
    assert not offline.check(iter(again), [SIGNER.public]).finding
