"""A record that is not as it was written is never shown, told or given out as evidence."""

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.cli.journal import JOURNAL
from reconciler.cli.main import cli
from reconciler.model.source import Person
from tests.support import export_checks as checks
from tests.support.web_world import WebWorld, mapping

FORMATS = ("csv", "cloudevents", "ocsf", "markdown", "html")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> WebWorld:
    """Two changes by Ann; then somebody with the file says that the first was Bob's, and empties the second."""
    made = WebWorld.at(tmp_path_factory.mktemp("damaged") / JOURNAL)
    ann = Person("Ann", "ann@example.com")
    made.apply({"a.yaml": mapping("shop", "item")}, ann, "Begin")
    made.apply({"a.yaml": mapping("shop", "item", prefix="/x/")}, ann, "Change")
    made.apply({"a.yaml": mapping("shop", "item", prefix="/y/")}, ann, "Again")
    with sqlite3.connect(_file(made)) as database:
        body = database.execute("SELECT body FROM records WHERE sequence = 2").fetchone()[0]
        forged = bytes(body).replace(b'"name":"Ann"', b'"name":"Bob"')
        assert forged != body
        database.execute("UPDATE records SET body = ? WHERE sequence = 2", (forged,))
        database.execute("UPDATE records SET body = NULL WHERE sequence = 5")
    return made


def _file(world: WebWorld) -> Path:
    return Path(world.journal.standing().place)


def run(world: WebWorld, *words: str) -> Result:
    """A verb of the journal."""
    return CliRunner().invoke(cli, ["audit", *words, "--state", str(_file(world).parent)], standalone_mode=False)


def test_entries_say_which_records_are_damaged(world: WebWorld) -> None:
    """One whose body has another hash, and one whose body is gone though no retention ran."""
    told = {each.sequence: [record.intact for record in each.records] for each in world.journal.entries()}
    assert told == {6: [True, True], 4: [True, False], 2: [False, True]}


def test_verbs_mark_what_is_damaged(world: WebWorld) -> None:
    """On the line, on standard error and in JSON; to show one such entry is a problem."""
    log = run(world, "log")
    lines = log.stdout.splitlines()
    assert ["DAMAGED" in line for line in lines] == [False, True, True]
    assert "record 2 is not as it was written" in log.stderr
    shown = run(world, "show", "2", "--output", "json")
    assert shown.return_value == 1
    assert [body.get("intact", True) for body in json.loads(shown.stdout)] == [False, True]
    assert run(world, "show", "6").return_value == 0


@pytest.mark.parametrize("output", FORMATS)
def test_exports_refuse_what_is_damaged(world: WebWorld, output: str, tmp_path: Path) -> None:
    """The record is named, and no file is left; with --damaged it is given out, and marked."""
    to = tmp_path / "given"
    asked = ("export", "--output", output, "--to", str(to), "--entry", "2")
    refused = run(world, *asked)
    assert "record 2, of entry 2, is not as it was written" in str(refused.exception)
    assert not to.exists()
    assert run(world, *asked, "--damaged").return_value == 0
    words = {
        "csv": "",
        "cloudevents": '"intact": false',
        "ocsf": '"name": "intact", "value": "no: not as it was written"',
        "markdown": "NO: damaged",
        "html": "NO: damaged",
    }[output]
    assert words in to.read_text()
    if output == "csv":
        assert {row["intact"] for row in checks.table(to.read_bytes().decode())} == {"no"}


def test_pages_and_api_say_so(world: WebWorld) -> None:
    """In red, before anything else of it is told."""
    client = world.client()
    page = client.get("/decisions/2").text
    assert "This is no evidence" in page
    assert page.index("This is no evidence") < page.index("What changed")
    assert "This is no evidence" not in client.get("/decisions/6").text
    assert "damaged: no evidence" in client.get("/decisions").text
    told = client.get("/api/v1/entries/2").json()
    assert (told["entry"]["intact"], [record["intact"] for record in told["records"]]) == (False, [False, True])
