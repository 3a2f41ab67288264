"""The verbs that hold and delete, and what the others say of what is gone."""

from pathlib import Path

import pytest

from reconciler.audit import Journal, key_file
from reconciler.audit.proof.signing import DEFAULT_NAME as NAMED
from reconciler.cli.journal import JOURNAL
from reconciler.cli.main import cli
from tests.support.journals import Clock, apply, origin


class Desk:
    """Runs verbs of ``audit`` on one state directory."""

    def __init__(self, state: Path, printed: pytest.CaptureFixture[str]) -> None:
        self.state, self.printed = state, printed

    def run(self, *arguments: object) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        code = cli.main(["audit", *map(str, arguments), "--state", str(self.state)], standalone_mode=False)
        shown = self.printed.readouterr()
        return int(code or 0), shown.out + shown.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A journal with six applies of 2026-05-06, a second after the other: entries 2, 4, … 12."""
    into = Journal.open(tmp_path / JOURNAL, Clock(), signer=key_file.signer(tmp_path / key_file.NAME, NAMED, make=True))
    for number in range(1, 7):
        apply(into, number, [origin("api", f'{{"n":{number}}}'.encode())])
    into.close()
    return Desk(tmp_path, capsys)


def test_hold_delete_release_delete(desk: Desk) -> None:
    """What is held stays until it is released; what is gone is told with the entry that deleted it."""
    begun = "2026-05-06T12:00:04Z"
    _, told = desk.run("hold", "add", "--since", begun, "--until", "2026-05-06T12:00:06Z", "--reason", "case 7")
    assert told.startswith("hold 14: 2026-05-06T12:00:04.000Z to 2026-05-06T12:00:06.000Z")
    assert "14  held" in desk.run("hold", "list")[1]
    assert "would be deleted" in desk.run("prune", "--older-than", "1d", "--dry-run")[1]
    code, told = desk.run("prune", "--older-than", "1d")
    assert (code, "see entry 15" in told) == (0, True)
    assert desk.run("show", 4)[0] == 0
    assert desk.run("show", 8) == (1, "entry 8 is deleted by retention, entry 15: its hash is left\n")
    code, told = desk.run("at", "2026-05-06T12:00:09Z")
    assert (code, "deleted by retention, entry 15" in told) == (1, True)
    assert "is deleted by retention, entry 15" in desk.run("history", "api")[1]
    assert desk.run("at", 4)[0] == 0
    assert "hold 14 is released: entry 16" in desk.run("hold", "release", 14, "--reason", "closed")[1]
    assert "14  released by entry 16" in desk.run("hold", "list")[1]
    assert "see entry 17" in desk.run("prune", "--older-than", "1d")[1]
    assert desk.run("show", 4)[0] == 1
    assert desk.run("at", "now")[0] == 0
    code, told = desk.run("verify")
    assert (code, "17 records verify" in told) == (0, True)
    assert "of them without content, which retention deleted" in told


def test_forever_deletes_nothing(desk: Desk) -> None:
    """Retention 0 keeps all, and says so."""
    code, told = desk.run("prune", "--retention", "0")
    assert (code, "keeps all for ever" in told) == (0, True)
