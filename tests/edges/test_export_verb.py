"""``audit export``: every format from a real journal, checked elsewhere; and the journal knows what was given out."""

import hashlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.audit import Journal, key_file
from reconciler.audit.store import walking
from reconciler.cli.audit import giving
from reconciler.cli.journal import JOURNAL
from reconciler.cli.main import cli
from reconciler.model.entry import Entry
from reconciler.model.errors import Stalled
from reconciler.model.happening import Happening
from reconciler.model.question import Query
from tests.support import export_checks as checks
from tests.support.journals import Clock, apply, attempt, conclusion, origin

ORIGIN = "reconciler/journal"  # as the setting has it where nobody says anything else
APPLIES = 5


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with a signed journal of a few applies and a refusal."""
    state = tmp_path_factory.mktemp("written")
    signer = key_file.signer(state / key_file.NAME, ORIGIN, make=True)
    journal = Journal.open(state / JOURNAL, Clock(), signer=signer, origin=ORIGIN)
    for number in range(1, APPLIES + 1):
        apply(journal, number, [origin("api")])
    refused = attempt(9, "shop")
    journal.decide(refused, conclusion(refused, acks=(), reason="EmptyTable"))
    journal.close()
    return state


@pytest.fixture
def state(written: Path, tmp_path: Path) -> Path:
    """One of one's own: every export adds to it."""
    return Path(shutil.copytree(written, tmp_path / "state"))


def run(*words: object) -> Result:
    """The verb, in this process."""
    return CliRunner().invoke(cli, ["audit", *map(str, words)], standalone_mode=False)


def exports(state: Path) -> list[Entry]:
    """What the journal says was given out, oldest first."""
    journal = Journal.open(state / JOURNAL, Clock(), read_only=True)
    found = journal.entries(Query(happened=frozenset({Happening.EXPORT})))
    journal.close()
    return found[::-1]


def test_what_was_given_out_verifies_on_a_machine_without_the_journal(state: Path, tmp_path: Path) -> None:
    """With the public key alone; and with one byte changed it does not."""
    given = run("export", "--state", state)
    file, key = tmp_path / "journal.jsonl", tmp_path / "journal.pub"
    file.write_bytes(given.stdout_bytes)
    key.write_text(key_file.signer(state / key_file.NAME, ORIGIN, make=False).public.pem())
    shutil.rmtree(state)
    elsewhere = ("--state", tmp_path / "none")
    assert run("verify", file, "--key", key, *elsewhere).return_value == 0
    file.write_bytes(given.stdout_bytes.replace(b"Change 3", b"Change 4", 1))
    changed = run("verify", file, "--key", key, *elsewhere)
    assert changed.return_value == 1
    assert "record 6" in changed.stderr


def test_a_part_proves_itself(state: Path, tmp_path: Path) -> None:
    """Each record with its proof, and no other record than those asked for."""
    key = tmp_path / "journal.pub"
    key.write_text(str(key_file.signer(state / key_file.NAME, ORIGIN, make=False).public))
    file = tmp_path / "part.jsonl"
    assert run("export", "--state", state, "--entry", 4, "--to", file).return_value == 0
    assert b"Change 3" not in file.read_bytes()
    verified = run("verify", file, "--key", key, "--state", tmp_path / "none")
    assert (verified.return_value, "2 records" in verified.stdout) == (0, True)


def test_every_format_is_valid_and_recorded(state: Path) -> None:
    """Who, what, how much, and the digest of exactly the bytes that were given."""
    public = key_file.signer(state / key_file.NAME, ORIGIN, make=False).public
    valid: dict[str, Callable[[str], object]] = {
        "jsonl": lambda text: text.count("\n"),
        "csv": checks.table,
        "cloudevents": checks.cloudevents,
        "ocsf": checks.ocsf,
        "intoto": lambda text: checks.intoto(text, public),
        "markdown": checks.markdown,
        "html": checks.html,
    }
    for number, (output, check) in enumerate(valid.items()):
        given = run("export", "--state", state, "--output", output)
        assert (given.exception, given.stderr) == (None, "")
        assert check(given.stdout_bytes.decode())
        told = exports(state)[number]
        body = told.records[0].body
        digest = f"sha256:{hashlib.sha256(given.stdout_bytes).hexdigest()}"
        assert (body["format"], body["digest"], body["complete"]) == (output, digest, True)
        assert told.actor
    assert run("verify", "--state", state).return_value == 0


def test_conditions_choose_and_the_oldest_comes_first(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over more entries than are read together."""
    monkeypatch.setattr(walking, "_BATCH", 2)
    rows = checks.table(run("export", "--state", state, "--output", "csv", "--mapping", "api").stdout_bytes.decode())
    assert [row["entry"] for row in rows if row["kind"] == "Mapping"] == ["2", "4", "6", "8", "10"]
    one = run("export", "--state", state, "--output", "csv", "--commit", "3" + "0" * 39).stdout_bytes.decode()
    assert {row["entry"] for row in checks.table(one)} == {"6"}
    assert exports(state)[-1].records[0].body["wanted"] == "commit 3" + "0" * 39


def test_nothing_that_meets_the_conditions_is_said(state: Path) -> None:
    """An empty table is one, but not silently."""
    given = run("export", "--state", state, "--output", "csv", "--until", "2020-01-01")
    assert checks.table(given.stdout_bytes.decode()) == []
    assert "nothing in the journal meets this: until 2020-01-01" in given.stderr
    nothing = run("export", "--state", state, "--until", "2020-01-01")
    assert isinstance(nothing.exception, Stalled)


def test_a_copy_without_the_key_is_given_out_but_not_written_to(state: Path) -> None:
    """Its records would be signed by nobody the journal knows."""
    (state / key_file.NAME).unlink()
    before = (state / JOURNAL).read_bytes()
    given = run("export", "--state", state, "--output", "csv")
    assert checks.table(given.stdout_bytes.decode())
    assert "not recorded in the journal" in given.stderr
    assert (state / JOURNAL).read_bytes() == before
    assert not (state / key_file.NAME).exists()


def test_a_statement_is_signed_or_not_made(state: Path) -> None:
    """Without the key there is none."""
    (state / key_file.NAME).unlink()
    assert isinstance(run("export", "--state", state, "--output", "intoto").exception, Stalled)


def test_a_file_is_there_whole_or_not_at_all(state: Path, tmp_path: Path) -> None:
    """And what was not given out is not recorded."""
    place = tmp_path / "out" / "changes.csv"
    failed = run("export", "--state", state, "--output", "csv", "--to", place)
    assert isinstance(failed.exception, Stalled)
    assert exports(state) == []
    place.parent.mkdir()
    assert run("export", "--state", state, "--output", "csv", "--to", place).return_value == 0
    assert checks.table(place.read_bytes().decode())
    assert [each.name for each in place.parent.iterdir()] == ["changes.csv"]


def test_who_has_seen_enough_has_still_seen_it(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given before the reader went is recorded as cut short."""

    def leaving(_stream: object) -> giving.Write:
        seen: list[bytes] = []

        def write(content: bytes) -> None:
            if len(seen) == 2:
                raise BrokenPipeError
            seen.append(content)

        return write

    monkeypatch.setattr(giving, "_writing", leaving)
    assert run("export", "--state", state, "--output", "csv").exception is not None
    (told,) = exports(state)
    assert told.records[0].body["complete"] is False
    assert told.message.endswith("cut short")


@pytest.mark.parametrize(
    "words",
    [
        ("--mapping", "api"),
        ("--entry", "2", "--since", "7d"),
        ("--output", "csv", "--hours", "Mon-Fri 9:00-17:00"),
    ],
)
def test_what_does_not_go_together_is_refused(state: Path, words: tuple[str, ...]) -> None:
    """A chain has no gaps; an entry needs no conditions; only packs look at hours."""
    refused = run("export", "--state", state, *words)
    assert type(refused.exception).__name__ == "UsageError"
    assert exports(state) == []


def test_a_pack_names_changes_out_of_hours(state: Path) -> None:
    """All of this journal were made at noon of a Wednesday."""
    assert datetime(2026, 5, 6, tzinfo=UTC).strftime("%a") == "Wed"
    words = ("export", "--state", state, "--output", "markdown", "--hours")
    assert "outside the expected hours" in run(*words, "Mon-Tue 0:00-24:00").stdout
    assert "outside the expected hours" not in run(*words, "Wed 11:00-13:00").stdout
